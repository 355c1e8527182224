#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// `npm run mutate -- --sample N --seed S` plants N generated mutants, one at a time, in a
// copy of the tree, and runs the tests nearest to each; survivors then run against the
// fast suite. Each outcome is added to test/mutation/results.json. An interrupted run
// continues where it stopped. Status 0: none survived. 1: some did. 2: the options are
// wrong.

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { MutantTree } from './mutant-tree.mjs';
import { applied, drawMutants, nearestTests, parses, ROOMS } from './mutants.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const RESULTS = 'test/mutation/results.json';
/**
 * Several times their duration on a busy machine: a mutant that takes longer does not
 * end.
 */
const NEAREST_LIMIT_MS = 240_000;
const SUITE_LIMIT_MS = 1_200_000;

/**
 * @typedef {object} Result
 * @property {string} commit
 * @property {number} seed
 * @property {string} file
 * @property {number} line
 * @property {string} operator
 * @property {string} original
 * @property {string} mutant
 * @property {'killed' | 'survived' | 'invalid'} outcome invalid: it does not build.
 * @property {'nearest' | 'fast'} tests The tests that have run.
 * @property {string} [by] The first test that failed.
 * @property {string} [why] For a survivor: why nothing can observe it. Written by hand.
 */

/** The options. @returns {{ sample: number, seed: number, record: boolean }} */
function optionsOf() {
  try {
    const { values } = parseArgs({
      options: {
        sample: { type: 'string', default: '12' },
        seed: { type: 'string', default: '1' },
        'no-record': { type: 'boolean', default: false },
      },
    });
    for (const name of /** @type {const} */ (['sample', 'seed']))
      if (!/^\d{1,9}$/.test(values[name]))
        throw new TypeError(`--${name} is a whole number, not '${values[name]}'`);
    const { sample, seed } = values;
    return { sample: Number(sample), seed: Number(seed), record: !values['no-record'] };
  } catch (error) {
    const [line] = String(error instanceof Error ? error.message : error).split('\n');
    console.error(line);
    process.exit(2);
  }
}

/** @param {...string} args */
const git = (...args) => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim();

/** A text in one line. @param {string} text */
const short = (text) => text.replace(/\s+/g, ' ').slice(0, 80);

/** @param {Result} result */
const keyOf = ({ commit, seed, file, line, operator, original, mutant }) =>
  [commit, seed, file, line, operator, original, mutant].join('\0');

const { sample, seed, record } = optionsOf();
const commit = git('rev-parse', '--short=12', 'HEAD');
const files = git('ls-files', ...ROOMS)
  .split('\n')
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'));
/** @type {Result[]} */
const results = record ? JSON.parse(readFileSync(join(ROOT, RESULTS), 'utf8')) : [];
const save = () => {
  if (record) writeFileSync(join(ROOT, RESULTS), `${JSON.stringify(results, null, 2)}\n`);
};

const tree = new MutantTree(ROOT);
process.on('exit', () => tree.remove());
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM']))
  process.on(signal, () => process.exit(130));

const drawn = drawMutants(ROOT, files, { sample, seed }).map((place) => {
  const { file, line, operator, original, mutant } = place;
  /** @type {Result} */
  const fresh = {
    ...{ commit, seed, file, line, operator },
    ...{ original: short(original), mutant: short(mutant), outcome: 'survived', tests: 'nearest' },
  };
  const known = results.find((result) => keyOf(result) === keyOf(fresh));
  return { place, result: known ?? fresh, isKnown: known !== undefined };
});

/** @param {(typeof drawn)[number]} mutant @param {Result['tests']} tests */
async function meet({ place, result }, tests) {
  const { file } = place;
  tree.change(file, (text) => {
    const mutated = applied(text, place);
    if (!parses(file, mutated)) throw new Error(`${file}:${place.line} no longer parses`);
    return mutated;
  });
  const { status, killedBy } =
    tests === 'nearest'
      ? await tree.test([`${nearestTests(ROOT, file)}/`], { limitMs: NEAREST_LIMIT_MS })
      : await tree.test(['--mode', 'fast'], { dist: true, limitMs: SUITE_LIMIT_MS });
  tree.restore();
  result.tests = tests;
  result.outcome = status === 'passed' ? 'survived' : status === 'invalid' ? 'invalid' : 'killed';
  if (killedBy !== undefined) result.by = killedBy;
  console.log(
    `${result.outcome} (${tests}) ${file}:${result.line} ${result.operator}: ` +
      `${result.original} -> ${result.mutant}${result.by ? `; ${result.by}` : ''}`,
  );
}

for (const mutant of drawn) {
  if (mutant.isKnown) continue;
  await meet(mutant, 'nearest');
  results.push(mutant.result);
  save();
}
for (const mutant of drawn) {
  const { outcome, tests, why } = mutant.result;
  if (outcome !== 'survived' || tests === 'fast' || why !== undefined) continue;
  await meet(mutant, 'fast');
  save();
}
const count = (/** @type {Result['outcome']} */ outcome) =>
  drawn.filter(({ result }) => result.outcome === outcome).length;
console.log(
  `${count('killed')} killed, ${count('survived')} survived, ${count('invalid')} invalid`,
);
process.exitCode = count('survived') > 0 ? 1 : 0;
