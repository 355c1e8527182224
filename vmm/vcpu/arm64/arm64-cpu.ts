// SPDX-License-Identifier: MIT
// One arm64 CPU, on any thread: its block, timers and interrupt input.

import {
  ARM64_LIMIT,
  ARM64_PC,
  ARM64_PENDING,
  ARM64_PENDING_IRQ,
  ARM64_X,
} from '../../../assembly/layout/arm64-state.ts';
import type { Arm64Exports } from '../../../assembly/load.ts';
import { isSystemRegister } from './a64-fields.ts';
import { type Arm64Block, storageOffset } from './arm64-block.ts';
import type { CpuInterface } from './arm64-board.ts';
import { COUNTER_HZ } from './arm64-counter.ts';
import { Arm64Timers } from './arm64-timers.ts';

/** Exception class of an instruction that is UNDEFINED. */
const EC_UNKNOWN = 0;
const MPIDR_RES1 = 1n << 31n;

/** The entry point of a vCPU. */
export interface Arm64Entry {
  readonly pc: bigint;
  readonly x0: bigint;
}

/** What a CPU is built from. */
export interface Arm64CpuOptions {
  readonly index: number;
  readonly block: Arm64Block;
  readonly exports: Arm64Exports;
  readonly interrupts: CpuInterface;
  /**
   * Software has accessed a system register that there is not. Default: nobody is told.
   */
  unknownRegister?(encoding: number, isWrite: boolean): void;
}

export class Arm64Cpu {
  readonly index: number;
  readonly block: Arm64Block;
  readonly exports: Arm64Exports;
  readonly timers: Arm64Timers;
  readonly #interrupts: Arm64CpuOptions['interrupts'];
  readonly #unknownRegister: Arm64CpuOptions['unknownRegister'];

  constructor({ index, block, exports, interrupts, unknownRegister }: Arm64CpuOptions) {
    this.index = index;
    this.block = block;
    this.exports = exports;
    this.timers = new Arm64Timers(block);
    this.#interrupts = interrupts;
    this.#unknownRegister = unknownRegister;
  }

  /**
   * Sets the reset state at its entry: EL1h, everything masked, MMU off. It does not run
   * yet.
   * @param affinity MPIDR_EL1 without its fixed bits.
   */
  start({ pc, x0 }: Arm64Entry, affinity: bigint): void {
    const { block, index } = this;
    this.exports.reset(block.at);
    block.setLong(storageOffset('MPIDR_EL1'), MPIDR_RES1 | affinity);
    block.setLong(storageOffset('CNTFRQ_EL0'), BigInt(COUNTER_HZ));
    block.setLong(ARM64_PC, pc);
    block.setLong(ARM64_X, x0);
    this.#interrupts.connect(index, block.at + ARM64_PENDING, block.at + ARM64_LIMIT);
  }

  /** True when its interrupt controller asserts its IRQ input, masked or not. */
  get isInterrupted(): boolean {
    if ((this.block.word(ARM64_PENDING) & ARM64_PENDING_IRQ) === 0) return false;
    return this.#interrupts.irqAsserted(this.index);
  }

  /**
   * Updates its IRQ input from the interrupt controller, even when the bit is not set any
   * more. `irqAsserted` has already cleared a stale bit, with a second check; clearing it
   * again here could lose an interrupt that arrived in between.
   */
  updateIrq(): void {
    if (this.#interrupts.irqAsserted(this.index)) this.block.setIrq(true);
  }

  /**
   * An access to a register of its CPU interface, or to one that does not exist, for the
   * CPU: 0 when it is UNDEFINED.
   */
  register(encoding: number, isWrite: boolean): number {
    const { block, index } = this;
    if (!isSystemRegister(encoding)) {
      this.#unknownRegister?.(encoding, isWrite);
      return 0;
    }
    let known: boolean;
    if (isWrite) known = this.#interrupts.writeInterface(index, encoding, block.mmioValue);
    else {
      const value = this.#interrupts.readInterface(index, encoding);
      known = value !== undefined;
      if (value !== undefined) block.mmioValue = value;
    }
    this.updateIrq();
    return known ? 1 : 0;
  }

  /** Updates the lines of its timers and its IRQ input for the counter's value. */
  updateTimers(now: bigint): void {
    this.timers.tellLines(now, (intid, asserted) =>
      this.#interrupts.setPrivateLine(this.index, intid, asserted),
    );
    this.updateIrq();
  }

  /** Takes the exception of an UNDEFINED instruction at the PC. */
  takeUndefined(): void {
    this.exports.takeException(this.block.at, EC_UNKNOWN, 0);
  }

  /**
   * The last instruction was SMC: UNDEFINED without EL3, and its return address is the
   * instruction itself.
   */
  refuseSmc(): void {
    this.block.setLong(ARM64_PC, this.block.long(ARM64_PC) - 4n);
    this.takeUndefined();
  }
}
