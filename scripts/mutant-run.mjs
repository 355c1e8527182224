// SPDX-License-Identifier: MIT
// The order in which the tests run on mutants, and the time limit: all mutants run their
// nearest tests, then the survivors run the whole suite, until the time is up. Mutants
// with a result of an earlier run are skipped, except survivors of a part of the suite.

/**
 * @typedef {'nearest' | 'all'} Tests
 *
 * @typedef {object} Result
 * @property {string} commit
 * @property {number} seed
 * @property {string} file
 * @property {number} line
 * @property {string} operator
 * @property {string} original
 * @property {string} mutant
 * @property {'killed' | 'survived' | 'invalid'} outcome invalid: it does not build.
 * @property {Tests | 'fast'} tests The tests that have run. Results until November 2026
 *   have `fast`: without the slow tests.
 * @property {string} [by] The first test that failed.
 * @property {string} [why] For a survivor: why nothing can observe it. Written by hand.
 */

/**
 * @template P
 * @typedef {object} DrawnMutant
 * @property {P} place Where it is in the sources.
 * @property {Result} result
 * @property {boolean} isKnown Whether the result is that of an earlier run.
 */

/**
 * Most time for the tests of one mutant: several times their duration on a busy machine.
 */
const LIMITS_MS = { nearest: 600_000, all: 3_600_000 };
/**
 * In a run with an end, the nearest tests of one mutant get at most this part of its
 * time: one whose tests do not end must leave time for the others. The whole suite comes
 * last, and takes so long that less time would end it with any mutant.
 */
const MOST_OF_RUN = 1 / 4;

/** @param {Result} result */
const keyOf = ({ seed, file, operator, original, mutant }) =>
  [seed, file, operator, original, mutant].join('\0');

/**
 * The result that an earlier run recorded for a mutant: on the same commit, or on another
 * one where the changed line is the same.
 * @param {Result} mutant
 * @param {readonly Result[]} results
 * @param {(place: Pick<Result, 'commit' | 'file' | 'line'>) => string | undefined} lineAt
 *   The text of a line at a commit; undefined if the repository does not have it.
 * @returns {Result | undefined}
 */
export function knownResult(mutant, results, lineAt) {
  const same = results.filter((result) => keyOf(result) === keyOf(mutant));
  const { commit, line } = mutant;
  const here = same.find((result) => result.commit === commit && result.line === line);
  if (here !== undefined) return here;
  const text = lineAt(mutant);
  if (text === undefined) return undefined;
  return same.find((result) => result.commit !== commit && lineAt(result) === text);
}

/**
 * Runs the tests of mutants, and changes their results.
 * @template P
 * @param {readonly DrawnMutant<P>[]} mutants
 * @param {object} options
 * @param
 *   {(mutant: DrawnMutant<P>, tests: Tests, limitMs: number) => Promise<'done' | 'timeout'>}
 *   options.meet Runs the tests of a mutant for so long at most, and changes its result.
 * @param {() => number} options.now In milliseconds.
 * @param {number} [options.minutes] Ends the run after so many minutes, of which a
 *   mutant's nearest tests get at most a quarter. Default: no end.
 * @param {boolean} [options.nearestOnly] Leaves out the whole suite. Default: false.
 * @param {(mutant: DrawnMutant<P>) => void} options.onResult A new result is there.
 * @returns {Promise<readonly DrawnMutant<P>[]>} those that no test has met: the time was
 *   over.
 */
export async function runMutants(mutants, { meet, now, minutes, nearestOnly = false, onResult }) {
  const runMs = minutes === undefined ? Number.POSITIVE_INFINITY : minutes * 60_000;
  const end = now() + runMs;

  /**
   * Whether the mutant has a result. One whose tests reach the limit of a mutant is
   * killed; one that meets the end of the run before is not.
   * @param {DrawnMutant<P>} mutant
   * @param {Tests} tests
   */
  async function meets(mutant, tests) {
    const left = end - now();
    if (left <= 0) return false;
    const before = { ...mutant.result };
    const part = tests === 'nearest' ? MOST_OF_RUN : 1;
    const limit = Math.min(LIMITS_MS[tests], runMs * part);
    const status = await meet(mutant, tests, Math.min(limit, left));
    if (status === 'timeout' && left < limit) {
      for (const name of Object.keys(mutant.result))
        if (!(name in before)) Reflect.deleteProperty(mutant.result, name);
      Object.assign(mutant.result, before);
      return false;
    }
    onResult(mutant);
    return true;
  }

  const unmet = [];
  for (const mutant of mutants)
    if (!mutant.isKnown && !(await meets(mutant, 'nearest'))) unmet.push(mutant);
  for (const mutant of mutants) {
    const { outcome, tests, why } = mutant.result;
    if (nearestOnly || unmet.includes(mutant)) continue;
    if (outcome === 'survived' && tests !== 'all' && why === undefined) await meets(mutant, 'all');
  }
  return unmet;
}
