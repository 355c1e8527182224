// SPDX-License-Identifier: MIT
// A bare exit: a call without arguments through the mailbox of a vCPU, served by an
// ExitServer, that does nothing. Between it and a spin handoff lies what the mailbox
// costs.

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { ExitServer, SPIN_AFTER_MMIO_MS } from '../vmm/threads/exit-server.ts';
import { MailboxServer } from '../vmm/threads/mailbox.ts';
import type { RunningMeasurand } from './handoff.ts';
import { RoundSignal } from './rounds.ts';

/** Options of the vCPU's side. */
export interface MailboxSide {
  readonly mailbox: SharedArrayBuffer;
  readonly vmm: SharedArrayBuffer;
  readonly exits: number;
  /** Of a `RoundSignal`. */
  readonly go: SharedArrayBuffer;
}

const EXITS = 5_000;

export async function startMailboxExit(): Promise<RunningMeasurand> {
  const server = new ExitServer();
  const mailbox = new MailboxServer([{ call: () => undefined, spinMs: SPIN_AFTER_MMIO_MS }]);
  const rounds = new RoundSignal();
  const worker = new Worker(new URL('./mailbox-exit-worker.js', import.meta.url), {
    workerData: {
      mailbox: mailbox.buffer,
      vmm: server.buffer,
      exits: EXITS,
      go: rounds.buffer,
    } satisfies MailboxSide,
  });
  await once(worker, 'message');
  const machine = { attend: () => false, untilTimerMs: () => Number.POSITIVE_INFINITY };
  const vcpu = { mailbox, machine };
  return {
    subject: {
      name: 'bare exit by mailbox',
      steps: EXITS,
      async run() {
        const answered = once(worker, 'message');
        server.add(vcpu);
        rounds.next();
        const [nanoseconds] = await answered;
        server.remove(vcpu);
        return nanoseconds as number;
      },
    },
    async end() {
      rounds.end();
      await worker.terminate();
    },
  };
}
