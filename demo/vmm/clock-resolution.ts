// SPDX-License-Identifier: MIT
// The resolution of a clock. Browsers' clocks tick in steps: of 5 us in an isolated page,
// of 100 us in others.

/** Number of ticks that are measured; the shortest counts. */
const TICKS = 3;
/** A clock without a tick in this time is reported with this resolution. */
const MOST_MS = 20;
/** Maximum number of readings of a clock that does not tick at all. */
const MOST_LOOKS = 1_000_000;

/**
 * Nanoseconds; 0 for a clock that is finer than the time to read it.
 * @param nowMs the clock, in milliseconds.
 */
export function clockResolution(nowMs: () => number): number {
  const steps: number[] = [];
  let looks = 0;
  let last = nowMs();
  const begun = last;
  while (steps.length < TICKS && last - begun < MOST_MS && looks < MOST_LOOKS) {
    const now = nowMs();
    looks++;
    if (now !== last) steps.push(now - last);
    last = now;
  }
  // A clock that changes at each reading is finer than these readings show.
  if (looks <= TICKS || steps.length === 0) return 0;
  return Math.round(Math.min(MOST_MS, ...steps) * 1e6);
}
