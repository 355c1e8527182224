// SPDX-License-Identifier: MIT
// An arm64 vCPU in its worker: its requests to the machine go through its mailbox, as
// numbered calls.

import { GicCpuInterface } from '../../devices/gicv3/gic-cpu-interface.ts';
import { Unit, type UnitOptions } from '../../devices/unit/index.ts';
import { Arm64Block } from '../vcpu/arm64/arm64-block.ts';
import { Arm64Runner } from '../vcpu/arm64/arm64-runner.ts';
import {
  ANSWER_ENDED,
  type Arm64ThreadCalls,
  type Arm64ThreadExit,
  type Arm64ThreadMemory,
} from '../vcpu/arm64/arm64-transport.ts';
import { PostedClient, type PostedMemory } from '../vcpu/arm64/posted-registers.ts';
import { ExitRefused, MailboxClient } from './mailbox.ts';

/** The calls of a vCPU, by their numbers in its mailbox. */
export const ARM64_CALLS = [
  'mmio',
  'hypercall',
  'semihosting',
  'wait',
  'unknownRegister',
] as const satisfies readonly (keyof Arm64ThreadCalls)[];

/** What an arm64 vCPU with its own thread is built from. */
export interface Arm64WorkerOptions {
  readonly index: number;
  readonly module: WebAssembly.Module;
  /** From `loadGicv3`. */
  readonly gicModule: WebAssembly.Module;
  readonly memory: Arm64ThreadMemory;
  readonly mailbox: SharedArrayBuffer;
  readonly vmm: SharedArrayBuffer;
  /** Registers that it accesses without its mailbox. */
  readonly posted: PostedMemory | undefined;
  /** The machine traces accesses to system registers that there are not. */
  readonly reportsUnknownRegisters: boolean;
  /** The unit that its doorbell rings; undefined for none. */
  readonly unit: UnitOptions | undefined;
  /** `performance.timeOrigin` of the machine's thread. */
  readonly timeOrigin: number;
}

const NO_DRAIN = { doorbell: () => undefined };

export class Arm64VcpuThread {
  readonly #client: MailboxClient;
  readonly #block: Arm64Block;
  readonly #runner: Arm64Runner;

  constructor(options: Arm64WorkerOptions) {
    const { index, module, gicModule, memory, mailbox, vmm, unit, timeOrigin } = options;
    const { reportsUnknownRegisters } = options;
    const posted = options.posted && new PostedClient(options.posted);
    this.#client = new MailboxClient(mailbox, vmm);
    this.#block = new Arm64Block(memory.memory, memory.block);
    this.#runner = new Arm64Runner({
      index,
      module,
      memory,
      interrupts: new GicCpuInterface({
        module: gicModule,
        memory: memory.memory,
        at: memory.board,
      }),
      calls: {
        mmio: (isWrite) =>
          posted?.access(this.#block, isWrite !== 0) ? 1 : this.#call('mmio', 1, isWrite),
        hypercall: () => this.#call('hypercall', ANSWER_ENDED),
        semihosting: () => this.#call('semihosting', ANSWER_ENDED),
        wait: () => {
          this.#call('wait', 0);
        },
        ...(reportsUnknownRegisters && {
          unknownRegister: (encoding, isWrite) => {
            this.#call('unknownRegister', 0, encoding, isWrite);
          },
        }),
      },
      drain: unit ? new Unit(unit).drain : NO_DRAIN,
      timeOrigin,
    });
  }

  /**
   * @param refused the result for a vCPU that has been stopped: it leaves the guest at
   *   its next boundary.
   */
  #call(name: (typeof ARM64_CALLS)[number], refused: number, ...values: readonly number[]): number {
    const client = this.#client;
    try {
      client.open(ARM64_CALLS.indexOf(name), values.length);
      values.forEach((value, i) => {
        client.argument(i, value);
      });
      return Number(client.post() ?? 0);
    } catch (thrown) {
      if (!(thrown instanceof ExitRefused)) throw thrown;
      this.#block.setStop(true);
      return refused;
    }
  }

  run(): Arm64ThreadExit {
    try {
      this.#client.enter();
      return this.#runner.run();
    } finally {
      this.#client.leave();
    }
  }
}
