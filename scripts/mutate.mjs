#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// `npm run mutate -- --sample N --seed S` plants N generated mutants, one at a time, in a
// copy of the tree, and runs the tests nearest to each; survivors then run against the
// whole suite. Each outcome is added to test/mutation/results.json. An interrupted run
// continues where it stopped. `--minutes N` ends the run after so long, `--nearest`
// leaves out the whole suite, `--no-record` the file. Status 0: none survived. 1: some
// did. 2: the options are wrong, or the run has failed.

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { knownResult, runMutants } from './mutant-run.mjs';
import { MutantTree } from './mutant-tree.mjs';
import { applied, drawMutants, nearestTests, needsDist, parses, ROOMS } from './mutants.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const RESULTS = 'test/mutation/results.json';
/**
 * Arguments that add the tests of threads to `unit`: with it, all tests that see the
 * mutated rooms, except those of the demo in a browser and those that measure time.
 */
const WHOLE_SUITE = ['--project', 'stress'];
/** @typedef {import('./mutant-run.mjs').Result} Result */

/**
 * The options.
 * @returns {{ sample: number, seed: number, minutes: number | undefined, nearestOnly:
 *   boolean, record: boolean }}
 */
function optionsOf() {
  try {
    const { values } = parseArgs({
      options: {
        sample: { type: 'string', default: '12' },
        seed: { type: 'string', default: '1' },
        minutes: { type: 'string' },
        nearest: { type: 'boolean', default: false },
        'no-record': { type: 'boolean', default: false },
      },
    });
    for (const name of /** @type {const} */ (['sample', 'seed', 'minutes']))
      if (values[name] !== undefined && !/^\d{1,9}$/.test(values[name]))
        throw new TypeError(`--${name} is a whole number, not '${values[name]}'`);
    const { sample, seed, minutes } = values;
    return {
      sample: Number(sample),
      seed: Number(seed),
      minutes: minutes === undefined ? undefined : Number(minutes),
      nearestOnly: values.nearest,
      record: !values['no-record'],
    };
  } catch (error) {
    const [line] = String(error instanceof Error ? error.message : error).split('\n');
    console.error(line);
    process.exit(2);
  }
}

/** @param {...string} args */
const git = (...args) =>
  execFileSync('git', args, {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim();

/** A text in one line. @param {string} text */
const short = (text) => text.replace(/\s+/g, ' ').slice(0, 80);

/** @type {Map<string, readonly string[]>} */
const committed = new Map();
/**
 * A line of a source at a commit; undefined if the repository does not have it.
 * @param {Pick<Result, 'commit' | 'file' | 'line'>} result
 */
function lineAt({ commit, file, line }) {
  const name = `${commit}:${file}`;
  let lines = committed.get(name);
  if (lines === undefined) {
    try {
      lines = git('show', name).split('\n');
    } catch {
      lines = [];
    }
    committed.set(name, lines);
  }
  return lines[line - 1];
}

const { sample, seed, minutes, nearestOnly, record } = optionsOf();
// Status 1 is for survivors only: a caller may continue after it.
for (const event of /** @type {const} */ (['uncaughtException', 'unhandledRejection']))
  process.on(event, (error) => {
    console.error(error);
    process.exit(2);
  });
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
  const known = knownResult(fresh, results, lineAt);
  return { place, result: known ?? fresh, isKnown: known !== undefined };
});

/**
 * Plants a mutant and runs tests.
 * @param {(typeof drawn)[number]} mutant
 * @param {Result['tests']} tests
 * @param {number} limitMs
 * @returns {Promise<'done' | 'timeout'>}
 */
async function meet({ place, result }, tests, limitMs) {
  const { file } = place;
  tree.change(file, (text) => {
    const mutated = applied(text, place);
    if (!parses(file, mutated)) throw new Error(`${file}:${place.line} no longer parses`);
    return mutated;
  });
  const nearest = nearestTests(ROOT, file);
  const { status, killedBy } =
    tests === 'nearest'
      ? await tree.test(nearest, { dist: needsDist(ROOT, nearest), limitMs })
      : await tree.test(WHOLE_SUITE, { dist: true, limitMs });
  tree.restore();
  result.tests = tests;
  result.outcome = status === 'passed' ? 'survived' : status === 'invalid' ? 'invalid' : 'killed';
  if (killedBy !== undefined) result.by = killedBy;
  return status === 'timeout' ? 'timeout' : 'done';
}

/** @param {(typeof drawn)[number]} mutant */
function onResult({ result }) {
  if (!results.includes(result)) results.push(result);
  save();
  console.log(lineOf(result));
}

/** @param {Result} result */
const lineOf = ({ outcome, tests, file, line, operator, original, mutant, by }) =>
  `${outcome} (${tests}) ${file}:${line} ${operator}: ${original} -> ${mutant}${by ? `; ${by}` : ''}`;

const unmet = await runMutants(drawn, {
  ...{ meet, nearestOnly, onResult, now: () => performance.now() },
  ...(minutes === undefined ? {} : { minutes }),
});
const met = drawn.filter((mutant) => !unmet.includes(mutant)).map(({ result }) => result);
const having = (/** @type {Result['outcome']} */ outcome) =>
  met.filter((result) => result.outcome === outcome);
const survivors = having('survived');
for (const result of survivors) console.log(`SURVIVOR ${lineOf(result)}`);
console.log(
  `${having('killed').length} killed, ${survivors.length} survived, ` +
    `${having('invalid').length} invalid` +
    (unmet.length > 0 ? `, ${unmet.length} not tried: ${minutes} minutes are over` : ''),
);
if (met.length > 0 && having('invalid').length === met.length) {
  console.error('no mutant was built: the tests or the build do not work here');
  process.exitCode = 2;
} else process.exitCode = survivors.length > 0 ? 1 : 0;
