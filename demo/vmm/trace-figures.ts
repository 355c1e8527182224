// SPDX-License-Identifier: MIT
// What the guests' traces of one TLBI come to: the median of the last ones, and how far they lie apart.

import type { TracePicture } from '../protocol.ts';

/** Traces of a path that are no measurement: the browser compiles the VMM's code meanwhile. */
export const WARM_UP = 3;
/** Traces that a median is taken of. */
export const KEPT = 15;

type Trace = Omit<TracePicture, 'totalNs' | 'lowNs' | 'highNs' | 'samples'>;

interface Path {
  /** Those before the first that counts. */
  warmUp: number;
  times: readonly number[];
  picture: TracePicture;
}

export class TraceFigures {
  readonly #paths = new Map<TracePicture['path'], Path>();

  add(trace: Trace): void {
    const before = this.#paths.get(trace.path);
    const warmUp = Math.min(WARM_UP, (before?.warmUp ?? -1) + 1);
    const times = warmUp < WARM_UP ? [] : [...(before?.times ?? []), trace.lastNs].slice(-KEPT);
    const sorted = (times.length > 0 ? times : [trace.lastNs]).toSorted((a, b) => a - b);
    const picture = {
      ...trace,
      totalNs: sorted[sorted.length >> 1] ?? 0,
      lowNs: sorted[0] ?? 0,
      highNs: sorted.at(-1) ?? 0,
      samples: times.length,
    };
    this.#paths.set(trace.path, { warmUp, times, picture });
  }

  /** One of each path. */
  get pictures(): readonly TracePicture[] {
    return [...this.#paths.values()].map(({ picture }) => picture);
  }
}
