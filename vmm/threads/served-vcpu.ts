// SPDX-License-Identifier: MIT
// Common parts of vCPUs on threads, independent of what they execute.

import type { ExitServer, ServedVcpu } from './exit-server.ts';
import type { MailboxServer } from './mailbox.ts';
import type { VcpuApi } from './vcpu-worker.ts';
import type { WorkerProgram, WorkerThread } from './worker-thread.ts';

/** The program of a vCPU's thread. */
export function program(name: string): WorkerProgram {
  return {
    name,
    file: 'vcpu-worker.js',
    web: () => new Worker(new URL('./vcpu-worker.js', import.meta.url), { type: 'module' }),
  };
}

/** Serves the exits of a vCPU while its thread does something. */
export async function whileServed<T>(
  exits: ExitServer,
  mailbox: MailboxServer,
  { host, isAsleep }: { readonly host: ServedVcpu['machine'] } & Pick<ServedVcpu, 'isAsleep'>,
  run: () => Promise<T>,
): Promise<T> {
  // One registration for each: a guest may see that a secondary vCPU is done, and start
  // it again, before the result of the former run arrives here.
  const served: ServedVcpu = { mailbox, machine: host, isAsleep };
  exits.add(served);
  try {
    return await run();
  } finally {
    exits.remove(served);
  }
}

/**
 * Ends the thread of a vCPU that leaves its guest at its next exit, or has been requested
 * to.
 */
export async function stopThread(
  worker: WorkerThread<VcpuApi>,
  mailbox: MailboxServer,
): Promise<void> {
  mailbox.setStopped();
  if (worker.over) return;
  // Accepted when the guest has left; a thread that does not leave is terminated. The
  // answer is the end of the thread.
  const asked = worker.call((vcpu) => vcpu.end()).catch(() => undefined);
  await worker.join();
  await asked;
}
