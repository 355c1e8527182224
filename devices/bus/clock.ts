// SPDX-License-Identifier: MIT

import { answeredNumber } from '../plugin/answers.ts';

/** Source of a machine's time. */
export interface Clock {
  /** Nanoseconds since an arbitrary start, monotonic. */
  nowNs(): number;
}

const CHECKED = new WeakSet<Clock>();

/** Wraps a user's clock to check each time before it is used. */
export function checkedClock(clock: Clock): Clock {
  if (clock === SYSTEM_CLOCK || CHECKED.has(clock)) return clock;
  const checked = { nowNs: () => answeredNumber(clock.nowNs(), 'clock.nowNs') };
  CHECKED.add(checked);
  return checked;
}

/** Time of the computer on which the VMM runs. */
export const SYSTEM_CLOCK: Clock = {
  nowNs: () => performance.now() * 1e6,
};
