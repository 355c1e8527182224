// SPDX-License-Identifier: MIT

import { answeredNumber } from '../plugin/answers.ts';

/** Where a machine's time comes from. */
export interface Clock {
  /** Nanoseconds since an arbitrary start, monotonic. */
  nowNs(): number;
}

const CHECKED = new WeakSet<Clock>();

/** A user's clock, whose times are looked at before they are used. */
export function checkedClock(clock: Clock): Clock {
  if (clock === SYSTEM_CLOCK || CHECKED.has(clock)) return clock;
  const checked = { nowNs: () => answeredNumber(clock.nowNs(), 'clock.nowNs') };
  CHECKED.add(checked);
  return checked;
}

/** Time of the computer that the VMM runs on. */
export const SYSTEM_CLOCK: Clock = {
  nowNs: () => performance.now() * 1e6,
};
