// SPDX-License-Identifier: MIT
// arm64 vCPUs in workers, with their exits served here.

import {
  Arm64Block,
  type Arm64Thread,
  type Arm64ThreadCalls,
  type Arm64ThreadExit,
  type Arm64ThreadOptions,
  type Arm64Transport,
} from '../vcpu/arm64/index.ts';
import { ARM64_CALLS } from './arm64-vcpu-thread.ts';
import { type ExitServer, SPIN_AFTER_MMIO_MS, SPIN_MS } from './exit-server.ts';
import { MailboxServer, type ServedCall } from './mailbox.ts';
import { program, stopThread, whileServed } from './served-vcpu.ts';
import type { VcpuUnits } from './vcpu-threads.ts';
import type { VcpuApi } from './vcpu-worker.ts';
import { WorkerThread } from './worker-thread.ts';

/** Common options of a machine's threads. */
export interface Arm64ThreadsOptions {
  readonly exits: ExitServer;
  /** From `loadGicv3`. */
  readonly gicModule: WebAssembly.Module;
  /** Units for the drain that their doorbells ring. */
  readonly units: VcpuUnits;
  /** Place of vcpu-worker.js. Default: next to this file. */
  readonly url?: string | URL | undefined;
}

const servedCalls = (calls: Arm64ThreadCalls): readonly ServedCall[] =>
  ARM64_CALLS.map((name) => ({
    call: (calls[name] ?? (() => undefined)) as ServedCall['call'],
    spinMs: name === 'mmio' ? SPIN_AFTER_MMIO_MS : SPIN_MS,
  }));

export class Arm64Threads implements Arm64Transport {
  readonly #options: Arm64ThreadsOptions;

  constructor(options: Arm64ThreadsOptions) {
    this.#options = options;
  }

  async start(options: Arm64ThreadOptions, signal: AbortSignal): Promise<Arm64Thread> {
    const { exits, gicModule, units, url } = this.#options;
    const { index, name, module, memory, calls, posted, host } = options;
    const mailbox = new MailboxServer(servedCalls(calls));
    const block = new Arm64Block(memory.memory, memory.block);
    const worker = new WorkerThread<VcpuApi>(program(name), url);
    const unit = units.allocate();
    let isHeld = true;
    const release = () => {
      if (isHeld) units.free(unit);
      isHeld = false;
    };
    let stopping = false;
    worker.onEnd((reason) => {
      release();
      if (!stopping) host.failed(index, reason);
    });
    const boot = {
      index,
      module,
      gicModule,
      memory,
      mailbox: mailbox.buffer,
      posted,
      reportsUnknownRegisters: calls.unknownRegister !== undefined,
      vmm: exits.buffer,
      unit,
      timeOrigin: performance.timeOrigin,
    };
    // No guest code runs here, so it ends by itself on any computer.
    const abort = () => {
      stopping = true;
      worker.terminate().catch(() => undefined);
    };
    signal.addEventListener('abort', abort, { once: true });
    try {
      signal.throwIfAborted();
      await worker.loaded();
      await worker.call((vcpu) => vcpu.bootArm64(boot));
    } catch (error) {
      stopping = true;
      await worker.terminate();
      throw signal.aborted ? signal.reason : error;
    } finally {
      signal.removeEventListener('abort', abort);
    }
    return {
      get still() {
        return worker.over || mailbox.still;
      },
      run: (): Promise<Arm64ThreadExit> =>
        whileServed(exits, mailbox, { host, isAsleep: () => block.isAsleep }, () =>
          worker.call((vcpu) => vcpu.runArm64()),
        ),
      setPaused: (paused) => mailbox.setPaused(paused),
      async stop() {
        stopping = true;
        await stopThread(worker, mailbox);
      },
    };
  }
}
