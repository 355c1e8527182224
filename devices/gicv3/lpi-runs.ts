// The words of LPIs in a saved state: runs of equal ones, of which there are few.

import { GIC_LPIS } from '../../assembly/layout/gic-memory.ts';

/** Pairs of a word and how many LPIs in a row have it. */
export function packRuns(words: Iterable<number>): number[] {
  const runs: number[] = [];
  for (const word of words) {
    if (runs.at(-2) === word) runs[runs.length - 1] = (runs.at(-1) ?? 0) + 1;
    else runs.push(word, 1);
  }
  return runs;
}

/**
 * The words of all LPIs again.
 * @throws {TypeError} when they are not as many.
 */
export function unpackRuns(runs: readonly number[]): Uint32Array {
  const words = new Uint32Array(GIC_LPIS);
  let end = 0;
  for (let i = 0; i < runs.length; i += 2) {
    const count = runs[i + 1] ?? 0;
    words.fill(runs[i] ?? 0, end, end + count);
    end += count;
  }
  if (end !== GIC_LPIS)
    throw new TypeError('the state is not of this device: it has not all LPIs, or more');
  return words;
}
