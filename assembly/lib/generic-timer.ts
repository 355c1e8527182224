// SPDX-License-Identifier: MIT
// Arithmetic of the generic timer (DDI 0487 section D12.2): the values of a timer's
// registers at a count of its counter. All of it is modulo 2^64.

import { CNT_CTL_ENABLE, CNT_CTL_IMASK, CNT_CTL_ISTATUS } from '../layout/timer-control';

/** The value that a control register reads: IMASK does not hide ISTATUS. */
export function controlRead(control: u32, compare: u64, count: u64): u32 {
  const own = control & (CNT_CTL_ENABLE | CNT_CTL_IMASK);
  const hasFired = (control & CNT_CTL_ENABLE) != 0 && count >= compare;
  return hasFired ? own | CNT_CTL_ISTATUS : own;
}

/** The TimerValue view of a compare value. */
export function timerValue(compare: u64, count: u64): u32 {
  return <u32>(compare - count);
}

/**
 * The compare value for a write of TimerValue, which is a signed 32-bit distance from
 * now.
 */
export function compareOf(timerValue: u32, count: u64): u64 {
  return count + <u64>(<i64>(<i32>timerValue));
}
