// SPDX-License-Identifier: MIT
// The words of LPIs in a saved state, run-length encoded: there are few runs.

/** Pairs of a word and the number of consecutive LPIs that have it. */
export function packRuns(words: Iterable<number>): number[] {
  const runs: number[] = [];
  let last = -1;
  for (const word of words) {
    if (runs[last] !== word) last = runs.push(word, 0) - 2;
    runs[last + 1] = (runs[last + 1] ?? 0) + 1;
  }
  return runs;
}

/**
 * The inverse.
 * @throws {TypeError} when they are not `lpis` words.
 */
export function unpackRuns(runs: readonly number[], lpis: number): Uint32Array {
  const words = new Uint32Array(lpis);
  let end = 0;
  for (let i = 0; i < runs.length; i += 2) {
    const count = runs[i + 1] ?? 0;
    words.fill(runs[i] ?? 0, end, end + count);
    end += count;
  }
  if (end !== lpis)
    throw new TypeError('the state is not of this device: it has not all LPIs, or more');
  return words;
}
