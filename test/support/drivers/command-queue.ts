// SPDX-License-Identifier: MIT
// One command queue as driven by Linux's arm-smmu-v3: the CMDQ of the SMMU, or a VCMDQ.
// Register offsets are literal: this is the driver's side.

import { sync, writeCommand } from '../../../devices/tables/index.ts';
import { type DriverPlatform, poll, type Registers } from './driver-platform.ts';

/** How the CPU detects that a CMD_SYNC is complete, and its CMD_SYNC.CS. */
const COMPLETIONS = { none: 0, msi: 1, sev: 2 } as const;
export type Completion = keyof typeof COMPLETIONS;

export interface CommandQueueOptions {
  readonly registers: Registers;
  /** Offsets of its PROD and CONS. */
  readonly prod: number;
  readonly cons: number;
  readonly log2size: number;
  readonly completion: Completion;
}

export class CommandQueue {
  readonly log2size: number;
  /** Address of the ring. */
  readonly base: number;
  /** Doublewords of commands that had to be skipped. */
  readonly skipped: bigint[] = [];
  readonly #platform: DriverPlatform;
  readonly #options: CommandQueueOptions;
  #prod = 0;

  /** arm_smmu_init_one_queue. */
  constructor(platform: DriverPlatform, options: CommandQueueOptions) {
    this.#platform = platform;
    this.#options = options;
    this.log2size = options.log2size;
    const bytes = 16 * 2 ** options.log2size;
    this.base = platform.memory.allocate(bytes, bytes);
  }

  get #size(): number {
    return 2 ** this.log2size;
  }

  get cons(): number {
    return this.#options.registers.read32(this.#options.cons);
  }

  /** PROD and CONS as written by a reset. */
  restart(): void {
    this.#prod = 0;
  }

  #consumed(): number {
    return (this.#prod - (this.cons & (2 * this.#size - 1)) + 2 * this.#size) % (2 * this.#size);
  }

  #put(command: Uint32Array): void {
    writeCommand(this.#platform.memory, this.base, this.#prod % this.#size, command);
    this.#prod = (this.#prod + 1) % (2 * this.#size);
  }

  #publish(): void {
    this.#options.registers.write32(this.#options.prod, this.#prod);
  }

  /**
   * arm_smmu_cmdq_issue_cmdlist.
   * @param betweenPolls work of other CPUs in the meantime, including interrupts.
   * @throws {DriverTimeout} when the queue stays full, or the CMD_SYNC does not complete.
   */
  issue(commands: readonly Uint32Array[], synced: boolean, betweenPolls?: () => void): void {
    // arm_smmu_cmdq_poll_until_not_full.
    poll('CMDQ is full', () => this.#size - this.#consumed() >= commands.length + 1, betweenPolls);
    for (const command of commands) this.#put(command);
    if (!synced) {
      this.#publish();
      return;
    }
    // arm_smmu_cmdq_build_sync_cmd: the MSI overwrites the entry of the CMD_SYNC itself.
    const index = this.#prod % this.#size;
    const entry = this.base + 16 * index;
    const { completion } = this.#options;
    this.#put(
      sync(COMPLETIONS[completion], completion === 'msi' ? { address: entry, data: 0 } : undefined),
    );
    this.#publish();
    // arm_smmu_cmdq_poll_until_sync: __arm_smmu_cmdq_poll_until_msi, ..._until_consumed.
    const done =
      completion === 'msi'
        ? () => (this.#platform.memory.load64(entry) & 0xffff_ffffn) === 0n
        : () => this.#consumed() === 0;
    poll('CMD_SYNC', done, betweenPolls);
  }

  /**
   * __arm_smmu_cmdq_skip_err: handles CONS.ERR; an illegal command is replaced by a
   * CMD_SYNC. Returns the code.
   */
  skipError(): number {
    const cons = this.cons;
    const code = (cons >>> 24) & 0x7f;
    // No error, an aborted fetch, an ATC that did not respond: after the acknowledgement
    // the queue tries again.
    if (code === 0 || code === 2 || code === 3) return code;
    const index = cons & (this.#size - 1);
    this.skipped.push(this.#platform.memory.load64(this.base + 16 * index));
    const { completion } = this.#options;
    writeCommand(
      this.#platform.memory,
      this.base,
      index,
      sync(COMPLETIONS[completion === 'none' ? 'none' : 'sev']),
    );
    return code;
  }
}
