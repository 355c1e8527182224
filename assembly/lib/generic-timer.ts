// The generic timer's arithmetic (DDI 0487 section D12.2): what a timer's registers say at a count of its
// counter, and when they will say something else. All of it is modulo 2^64.

import { CNT_CTL_ENABLE, CNT_CTL_IMASK, CNT_CTL_ISTATUS } from '../layout/timer-control';

/** A count that no counter reaches. */
export const NEVER: u64 = 0xffff_ffff_ffff_ffff;

/** The timer has fired: enabled, and the counter has reached the compare value. */
function hasFired(control: u32, compare: u64, count: u64): bool {
  return (control & CNT_CTL_ENABLE) != 0 && count >= compare;
}

/** A control register as it is read: IMASK does not hide ISTATUS. */
export function controlRead(control: u32, compare: u64, count: u64): u32 {
  const own = control & (CNT_CTL_ENABLE | CNT_CTL_IMASK);
  return hasFired(control, compare, count) ? own | CNT_CTL_ISTATUS : own;
}

/** Level of the timer's interrupt. */
export function timerLine(control: u32, compare: u64, count: u64): bool {
  return (control & CNT_CTL_IMASK) == 0 && hasFired(control, compare, count);
}

/** Count at which the line is high if nothing is written; one that is past: it is high. NEVER for none. */
export function timerDeadline(control: u32, compare: u64): u64 {
  return (control & (CNT_CTL_ENABLE | CNT_CTL_IMASK)) == CNT_CTL_ENABLE ? compare : NEVER;
}

/** The TimerValue view of a compare value. */
export function timerValue(compare: u64, count: u64): u32 {
  return <u32>(compare - count);
}

/** The compare value that a write of TimerValue makes: a signed number of 32 bits from now. */
export function compareOf(timerValue: u32, count: u64): u64 {
  return count + <u64>(<i64>(<i32>timerValue));
}

/**
 * The first count behind `count` at which the event stream has an event.
 * @param bit CNTKCTL_EL1.EVNTI, 0 to 15: the bit of the counter that is looked at.
 * @param falls CNTKCTL_EL1.EVNTDIR: the event is the bit's fall, else its rise.
 */
export function nextStreamEvent(count: u64, bit: u32, falls: bool): u64 {
  const half: u64 = (<u64>1) << bit;
  const period = half << 1;
  const phase: u64 = falls ? 0 : half;
  return count + period - ((count - phase) & (period - 1));
}
