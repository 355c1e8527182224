// SPDX-License-Identifier: MIT
// The generic timers of a vCPU for its board: lines, and when they change.

import {
  ARM64_BANK,
  ARM64_BANK_STRIDE,
  ARM64_CNTP_CTL,
  ARM64_CNTP_CVAL,
  ARM64_CNTV_CTL,
  ARM64_CNTV_CVAL,
  BANK_CNTKCTL,
} from '../../../assembly/layout/arm64-state.ts';
import {
  CNT_CTL_ENABLE,
  CNT_CTL_IMASK,
  TIMER_INTID_PHYSICAL,
  TIMER_INTID_VIRTUAL,
} from '../../../assembly/layout/timer-control.ts';
import type { Arm64Block } from './arm64-block.ts';

const TIMERS = [
  { ctl: ARM64_CNTV_CTL, cval: ARM64_CNTV_CVAL, intid: TIMER_INTID_VIRTUAL },
  { ctl: ARM64_CNTP_CTL, cval: ARM64_CNTP_CVAL, intid: TIMER_INTID_PHYSICAL },
] as const;

// CNTKCTL_EL1: the event stream (DDI 0487 section D12.2.3).
const CNTKCTL = ARM64_BANK + ARM64_BANK_STRIDE + BANK_CNTKCTL;
const EVNTEN = 1 << 2;
const EVNTDIR = 1 << 3;
const EVNTI_SHIFT = 4;

export class Arm64Timers {
  readonly #block: Arm64Block;

  constructor(block: Arm64Block) {
    this.#block = block;
  }

  /** Reports the level of each timer's interrupt (DDI 0487 section D12.2.4). */
  tellLines(now: bigint, setLine: (intid: number, asserted: boolean) => void): void {
    for (const { ctl, cval, intid } of TIMERS)
      setLine(intid, this.#isUnmasked(ctl) && now >= this.#block.long(cval));
  }

  /**
   * The counter when the next line rises, if no register is written; undefined: never.
   */
  deadline(now: bigint): bigint | undefined {
    let earliest: bigint | undefined;
    for (const { ctl, cval } of TIMERS) {
      if (!this.#isUnmasked(ctl)) continue;
      const at = this.#block.long(cval);
      if (at > now && (earliest === undefined || at < earliest)) earliest = at;
    }
    return earliest;
  }

  /** The counter at the next event of the event stream; undefined when it is disabled. */
  nextEvent(now: bigint): bigint | undefined {
    const control = this.#block.word(CNTKCTL);
    if ((control & EVNTEN) === 0) return undefined;
    const bit = 1n << BigInt((control >>> EVNTI_SHIFT) & 0xf);
    // A bit of the counter rises when the bits below it are 0, and falls half a period
    // later.
    const phase = (control & EVNTDIR) === 0 ? bit : 0n;
    const period = 2n * bit;
    return now + period - ((now - phase) & (period - 1n));
  }

  #isUnmasked(ctl: number): boolean {
    return (this.#block.word(ctl) & (CNT_CTL_ENABLE | CNT_CTL_IMASK)) === CNT_CTL_ENABLE;
  }
}
