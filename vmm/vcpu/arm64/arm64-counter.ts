// SPDX-License-Identifier: MIT
// The counter of a machine (CNTVCT, CNTPCT): it advances with the instructions of the
// running vCPU, so that it never goes backwards between two vCPUs, and with time that all
// of them sleep through.

import {
  ARM64_COUNT,
  ARM64_TIME,
  ARM64_TIME_COUNT,
  ARM64_TIME_RATE,
} from '../../../assembly/layout/arm64-state.ts';
import type { Arm64Block } from './arm64-block.ts';

/**
 * Frequency of the counter. A nanosecond and an instruction are one tick each, so a count
 * is a time.
 */
export const COUNTER_HZ = 1_000_000_000;
/** Ticks per instruction, in the format of ARM64_TIME_RATE. */
const ONE_TICK = 1n << 32n;
const MASK = (1n << 64n) - 1n;

export class Arm64Counter {
  /** The vCPU whose instructions count. */
  #running: Arm64Block;

  /** Starts at 0. @param running the vCPU that runs first. */
  constructor(running: Arm64Block) {
    this.#running = running;
  }

  /** Restarts at `time`, with the vCPU that runs next. */
  start(running: Arm64Block, time = 0n): void {
    this.#running = running;
    this.skipTo(time);
    running.setLong(ARM64_TIME_RATE, ONE_TICK);
  }

  /** Continues a saved machine's counter, whose vCPU has been restored. */
  resume(running: Arm64Block): void {
    this.#running = running;
  }

  get now(): bigint {
    const block = this.#running;
    const since = block.long(ARM64_COUNT) - block.long(ARM64_TIME_COUNT);
    return (block.long(ARM64_TIME) + since) & MASK;
  }

  /** Another vCPU runs from now on. */
  switchTo(running: Arm64Block): void {
    if (running !== this.#running) this.start(running, this.now);
  }

  /** Nothing happens until the counter is at `time`, which is not in the past. */
  skipTo(time: bigint): void {
    const block = this.#running;
    block.setLong(ARM64_TIME, time);
    block.setLong(ARM64_TIME_COUNT, block.long(ARM64_COUNT));
  }
}
