// SPDX-License-Identifier: MIT
// Slices of a track, nested strictly in whole nanoseconds. Viewers add a start and a
// duration as floating-point microseconds, and match ends with beginnings: slices that
// end at the same instant, or where the next begins, would appear crossed (Perfetto drops
// them, Speedscope warns of each).

/** From its first nanosecond to its end. */
export interface Slice {
  readonly start: number;
  readonly end: number;
}

interface Level {
  /** Slices in it end before this. */
  readonly end: number;
  /** The first nanosecond at which the next slice in it may begin. */
  free: number;
}

const NS_PER_MS = 1e6;

export const nanoseconds = (ms: number): number => Math.round(ms * NS_PER_MS);

/**
 * Places the slices of one track, in the order of their starts, an outer one before those
 * inside it.
 *
 * A placed slice is at least 1 ns long, begins at least 1 ns after the end of the
 * previous one on its level, and ends at least 1 ns before the surrounding one. A slice
 * that would extend beyond the one in which it begins is shortened to its end; if there
 * is no space left in there it begins after it.
 */
export class Nesting {
  readonly #track: Level = { end: Number.POSITIVE_INFINITY, free: Number.NEGATIVE_INFINITY };
  /** The slices in which the next one may begin, the innermost last. */
  readonly #open: Level[] = [];

  /** @param start together with `end`, whole nanoseconds. */
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
