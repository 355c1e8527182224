// SPDX-License-Identifier: MIT
// What a clock resolves. Browsers let theirs tick in steps: of 5 us in an isolated page, of 100 us in others.

/** Ticks that are looked at; the shortest counts. */
const TICKS = 3;
/** A clock that ticks no more often than this is said to resolve as much. */
const MOST_MS = 20;
/** Looks at a clock that does not tick at all. */
const MOST_LOOKS = 1_000_000;

/**
 * Nanoseconds; 0 for a clock that is finer than a look at it.
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
  // One that changes at each look is finer than these tell.
  if (looks <= TICKS || steps.length === 0) return 0;
  return Math.round(Math.min(MOST_MS, ...steps) * 1e6);
}
