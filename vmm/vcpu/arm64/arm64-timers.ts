// The generic timers of a vCPU, as its board sees them: lines, and when they change. The counter counts
// the vCPU's instructions, and time that it has slept through.

import {
  ARM64_CNTP_CTL,
  ARM64_CNTP_CVAL,
  ARM64_CNTV_CTL,
  ARM64_CNTV_CVAL,
  ARM64_COUNT,
  ARM64_TIME,
  ARM64_TIME_COUNT,
  ARM64_TIME_RATE,
} from '../../../assembly/layout/arm64-state.ts';
import {
  CNT_CTL_ENABLE,
  CNT_CTL_IMASK,
  TIMER_INTID_PHYSICAL,
  TIMER_INTID_VIRTUAL,
} from '../../../assembly/layout/timer-control.ts';
import type { Arm64Block } from './arm64-block.ts';

/** Of the counter. A nanosecond and an instruction are one tick each, so that a count is a time. */
export const COUNTER_HZ = 1_000_000_000;
/** Ticks for an instruction, as ARM64_TIME_RATE has it. */
const ONE_TICK = 1n << 32n;
const MASK = (1n << 64n) - 1n;

const TIMERS = [
  { ctl: ARM64_CNTV_CTL, cval: ARM64_CNTV_CVAL, intid: TIMER_INTID_VIRTUAL },
  { ctl: ARM64_CNTP_CTL, cval: ARM64_CNTP_CVAL, intid: TIMER_INTID_PHYSICAL },
] as const;

export class Arm64Timers {
  readonly #block: Arm64Block;

  constructor(block: Arm64Block) {
    this.#block = block;
  }

  /** The counter begins at 0. The block keeps it through a reset of its vCPU. */
  start(): void {
    const block = this.#block;
    block.setLong(ARM64_TIME, 0n);
    block.setLong(ARM64_TIME_COUNT, 0n);
    block.setLong(ARM64_TIME_RATE, ONE_TICK);
  }

  /** The counter, where the vCPU stands still. */
  get now(): bigint {
    const block = this.#block;
    const since = block.long(ARM64_COUNT) - block.long(ARM64_TIME_COUNT);
    return (block.long(ARM64_TIME) + since) & MASK;
  }

  /** Nothing happens until the counter is at `time`, which is not before now. */
  sleepUntil(time: bigint): void {
    const block = this.#block;
    block.setLong(ARM64_TIME, time);
    block.setLong(ARM64_TIME_COUNT, block.long(ARM64_COUNT));
  }

  /** Tells the level of each timer's interrupt (DDI 0487 section D12.2.4). */
  tellLines(setLine: (intid: number, asserted: boolean) => void): void {
    const { now } = this;
    for (const { ctl, cval, intid } of TIMERS)
      setLine(intid, this.#isUnmasked(ctl) && now >= this.#block.long(cval));
  }

  /** The counter when the next line rises, if no register is written; undefined: never. */
  get deadline(): bigint | undefined {
    const { now } = this;
    let earliest: bigint | undefined;
    for (const { ctl, cval } of TIMERS) {
      const at = this.#block.long(cval);
      if (this.#isUnmasked(ctl) && at > now && (earliest === undefined || at < earliest))
        earliest = at;
    }
    return earliest;
  }

  #isUnmasked(ctl: number): boolean {
    const control = Number(this.#block.long(ctl));
    return (control & (CNT_CTL_ENABLE | CNT_CTL_IMASK)) === CNT_CTL_ENABLE;
  }
}
