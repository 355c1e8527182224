// SPDX-License-Identifier: MIT
// Slices of a track, nested strictly in whole nanoseconds. Viewers add a start and a length as floating-point
// microseconds, and match ends with beginnings: slices that end at one instant, or where the next begins, come out
// crossed (Perfetto drops them, Speedscope warns of each).

/** From its first nanosecond to the one in which it ends. */
export interface Slice {
  readonly start: number;
  readonly end: number;
}

interface Level {
  /** What lies in it ends before this. */
  readonly end: number;
  /** The first nanosecond at which the next slice in it may begin. */
  free: number;
}

const NS_PER_MS = 1e6;

export const nanoseconds = (ms: number): number => Math.round(ms * NS_PER_MS);

/**
 * Places the slices of one track, which come in the order of their starts, an outer one
 * before those inside it.
 *
 * A placed slice is at least 1 ns long, begins 1 ns or more after the one before it on its
 * level has ended, and ends 1 ns or more before the one around it. One that would reach
 * beyond the slice in which it begins is cut at its end; one for which there is no room
 * left in there begins after it.
 */
export class Nesting {
  readonly #track: Level = { end: Number.POSITIVE_INFINITY, free: Number.NEGATIVE_INFINITY };
  /** The slices in which the next one may begin, the innermost last. */
  readonly #open: Level[] = [];

  /** @param start with `end`, whole nanoseconds. */
  place(start: number, end: number): Slice {
    let level = this.#open.at(-1) ?? this.#track;
    while (level !== this.#track && Math.max(start, level.free) + 1 >= level.end) {
      this.#open.pop();
      level = this.#open.at(-1) ?? this.#track;
    }
    const from = Math.max(start, level.free);
    const to = Math.min(Math.max(end, from + 1), level.end - 1);
    level.free = to + 1;
    this.#open.push({ end: to, free: from });
    return { start: from, end: to };
  }
}
