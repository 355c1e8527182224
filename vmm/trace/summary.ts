// SPDX-License-Identifier: MIT
// The contents of a trace file in numbers.

import type { ChromeEvent } from './chrome.ts';

/** One track: number of occurrences and total duration of each name on it. */
export interface TrackSummary {
  readonly process: string;
  readonly track: string;
  readonly names: readonly { readonly name: string; readonly count: number; readonly ms: number }[];
}

export interface TraceSummary {
  /** From the first event to the end of the last. */
  readonly ms: number;
  readonly events: number;
  /** Number of records that are not in the file. */
  readonly lost: number;
  readonly tracks: readonly TrackSummary[];
}

/**
 * Maximum number of different event names on all tracks, and of tracks: a file may be
 * foreign.
 */
const MOST_NAMES = 100_000;
/** Maximum number of characters of all of them together. */
const MOST_CHARACTERS = 2 ** 24;

/** Summarizes a trace event by event. */
export class TraceCounts {
  readonly #processes = new Map<number, string>();
  /** By process and thread, in the order in which they are named. */
  readonly #tracks = new Map<string, { readonly pid: number; readonly track: string }>();
  readonly #counts = new Map<string, Map<string, { count: number; ms: number }>>();
  #names = 0;
  #characters = 0;
  #events = 0;
  #first = Number.POSITIVE_INFINITY;
  #last = Number.NEGATIVE_INFINITY;

  /**
   * @throws {TypeError} when there are more tracks or names, or longer ones, than in a
   *   trace of this project.
   */
  add({ ph, name, pid, tid, ts = 0, dur = 0, args }: ChromeEvent): void {
    const key = `${pid} ${tid}`;
    if (ph === 'M') {
      const given = String(args?.name ?? '');
      if (name === 'process_name') this.#processes.set(pid, this.#kept(given));
      if (name === 'thread_name') this.#tracks.set(key, { pid, track: this.#kept(given) });
      if (this.#processes.size + this.#tracks.size > MOST_NAMES) tooMany();
      return;
    }
    this.#events++;
    this.#first = Math.min(this.#first, ts);
    this.#last = Math.max(this.#last, ts + dur);
    const track = this.#counts.get(key) ?? new Map<string, { count: number; ms: number }>();
    this.#counts.set(key, track);
    const sum = track.get(name);
    // One event represents all IOTLB hits between two walks.
    const count = Number(args?.count) || 1;
    if (sum) {
      sum.count += count;
      sum.ms += dur / 1000;
    } else {
      if (++this.#names > MOST_NAMES) tooMany();
      track.set(this.#kept(name), { count, ms: dur / 1000 });
    }
  }

  /** Counts a name that stays in memory. */
  #kept(name: string): string {
    this.#characters += name.length;
    if (this.#characters > MOST_CHARACTERS)
      throw new TypeError(`its names have more than ${MOST_CHARACTERS} characters`);
    return name;
  }

  /** @param lost number of records that are not in the file. */
  summary(lost: number): TraceSummary {
    const tracks = [...this.#tracks].map(([key, { pid, track }]): TrackSummary => {
      const names = [...(this.#counts.get(key) ?? [])]
        .map(([name, sum]) => ({ name, ...sum }))
        .sort((a, b) => b.count - a.count);
      return { process: this.#processes.get(pid) ?? '', track, names };
    });
    const ms = this.#events === 0 ? 0 : (this.#last - this.#first) / 1000;
    return { ms, events: this.#events, lost, tracks };
  }
}

function tooMany(): never {
  throw new TypeError(`it has more than ${MOST_NAMES} names`);
}
