// SPDX-License-Identifier: MIT
// The time of a translation: IOTLB hit, and miss with walk and insert, by granule and
// mode, from the beginning of an access to its end.

import { THREAD_TLB_HITS, THREAD_TLB_MISSES } from '../assembly/layout/thread-memory.ts';
import { type DrainBoard, SMMU } from './drain-board.ts';
import { type Measurand, measure } from './measure.ts';
import { MODES, PAGES, type Stream } from './streams.ts';

/** Nanoseconds. */
export interface TranslationRow {
  readonly mode: Stream['mode'];
  /** Bytes. */
  readonly granule: number;
  readonly hit: number;
  readonly miss: number;
  /** Additional time of a miss: the walk and the insert. */
  readonly walk: number;
}

// Whole passes over all pages: the next pass then finds none of its pages cached.
const TIMES = 2 * PAGES;
const QUICK_TIMES = PAGES;
/** Pages that always hit. */
const FEW = 256;

export async function measureTranslation(
  board: DrainBoard,
  rounds: number,
  quick: boolean,
): Promise<TranslationRow[]> {
  const times = quick ? QUICK_TIMES : TIMES;
  const access = ({ sid, iova, shift, mode, granule }: Stream, pages: number) => {
    const refused = board.loops.access(times, SMMU, sid, BigInt(iova), shift, pages);
    if (refused !== 0)
      throw new Error(`${mode}, granule ${granule}: ${refused} accesses were refused`);
    return undefined;
  };
  const nameOf = (kind: string, { mode, granule }: Stream) => `${kind} ${mode} ${granule}`;
  // Checks that each hit really hits and each miss really misses.
  for (const stream of board.streams) {
    for (const [pages, field] of [
      [FEW, THREAD_TLB_HITS],
      [PAGES, THREAD_TLB_MISSES],
    ] as const) {
      access(stream, pages);
      const before = board.counter(field);
      access(stream, pages);
      const counted = board.counter(field) - before;
      if (counted < 0.95 * times)
        throw new Error(
          `${nameOf('access', stream)}: ${counted} of ${times} were what they should be`,
        );
    }
  }
  const subjects = board.streams.flatMap((stream): Measurand[] => [
    {
      name: nameOf('hit', stream),
      steps: times,
      prepare: () => access(stream, FEW),
      run: () => access(stream, FEW),
    },
    { name: nameOf('miss', stream), steps: times, run: () => access(stream, PAGES) },
  ]);
  const results = await measure(subjects, rounds);
  const byMode = [...board.streams].sort((a, b) => MODES.indexOf(a.mode) - MODES.indexOf(b.mode));
  return byMode.map((stream) => {
    const hit = results.get(nameOf('hit', stream)) ?? Number.NaN;
    const miss = results.get(nameOf('miss', stream)) ?? Number.NaN;
    return { mode: stream.mode, granule: stream.granule, hit, miss, walk: miss - hit };
  });
}
