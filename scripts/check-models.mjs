#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Checks the Promela models in docs/models with spin: every model must hold, unchanged
// and in its variants, and every mutation must be caught. `node scripts/check-models.mjs
// [model ...]` checks only the named ones, for instance `iotlb`.

import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MODELS = fileURLToPath(new URL('../docs/models/', import.meta.url));
/** Limits of one verifier: memory in MiB, steps of one execution. */
const MEMORY = 1000;
const DEPTH = 100000;
/** Two at once stay within 2 GB. */
const WORKERS = Math.min(2, availableParallelism());

const VARIANT = /\/\* VARIANT: (\w+) \*\//g;
const MUTATION = /\/\* MUTATION: (\w+)(?: with (\w+))? catches: (.+?) \*\//g;

/**
 * @typedef {object} Check
 * @property {string} model
 * @property {string[]} defines
 * @property {boolean} live it has an ltl formula
 * @property {string | undefined} catches the property that the mutation breaks; undefined
 *   when the model must hold
 */

/**
 * Standard output and error of a command. Its exit status does not matter: spin and pan
 * report their findings as text.
 * @param {string} command
 * @param {string[]} args
 * @param {string} [cwd]
 * @returns {Promise<{ output: string, missing: boolean }>}
 */
function run(command, args, cwd) {
  return new Promise((resolve) => {
    execFile(command, args, { cwd, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      resolve({ output: stdout + stderr, missing: error !== null && error.code === 'ENOENT' });
    });
  });
}

/**
 * @param {string} model
 * @returns {Promise<Check[]>}
 */
async function checksOf(model) {
  const text = await readFile(join(MODELS, `${model}.pml`), 'utf8');
  const live = /^ltl /m.test(text);
  const clean = [[], ...[...text.matchAll(VARIANT)].map(([, variant = '']) => [variant])];
  const mutations = [...text.matchAll(MUTATION)].map(([, mutation = '', variant, catches]) => ({
    model,
    defines: variant ? [mutation, variant] : [mutation],
    live,
    catches,
  }));
  return [...clean.map((defines) => ({ model, defines, live, catches: undefined })), ...mutations];
}

/**
 * Searches the states once. Undefined when the search did not finish.
 * @param {string} folder
 * @param {string[]} args
 */
async function search(folder, args) {
  const { output } = await run(join(folder, 'pan'), ['-n', `-m${DEPTH}`, '-w20', ...args], folder);
  const errors = /errors: (\d+)/.exec(output)?.[1];
  const states = /(\d+) states, stored/.exec(output)?.[1];
  const cut = /max search depth too small|out of memory|Search not completed/.test(output);
  if (errors === undefined || states === undefined || (errors === '0' && cut)) return undefined;
  return { errors: Number(errors), states: Number(states) };
}

/**
 * Runs one check and reports the result in one line.
 * @param {Check} check
 */
async function verify({ model, defines, live, catches }) {
  const folder = await mkdtemp(join(tmpdir(), 'vsmmu-model-'));
  try {
    const name = [model, ...defines].join(' ');
    const spin = await run(
      'spin',
      [...defines.map((define) => `-D${define}`), '-a', join(MODELS, `${model}.pml`)],
      folder,
    );
    // A mutation is found early: optimised compilation would cost more than it saves.
    const flags = [
      catches === undefined ? '-O1' : '-O0',
      '-w',
      '-DCOLLAPSE',
      `-DMEMLIM=${MEMORY}`,
      live ? '-DNFAIR=5' : '-DSAFETY',
    ];
    const gcc = await run('gcc', [...flags, '-o', 'pan', 'pan.c'], folder);
    // A claim hides invalid end states, so a model that has one is also searched without
    // it.
    const searches = live ? [['-noclaim'], ['-a', '-f']] : [[]];
    let states = 0;
    let errors = 0;
    for (const args of searches) {
      const found = await search(folder, args);
      if (!found)
        return { passed: false, line: `${name}: not verified\n${spin.output}${gcc.output}` };
      states += found.states;
      errors += found.errors;
    }
    const passed = catches === undefined ? errors === 0 : errors > 0;
    const what =
      catches === undefined
        ? passed
          ? 'holds'
          : 'BROKEN'
        : passed
          ? `caught: ${catches}`
          : `NOT CAUGHT: ${catches}`;
    return { passed, line: `${name}: ${what} (${states} states)` };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

for (const [tool, flag] of [
  ['spin', '-V'],
  ['gcc', '--version'],
]) {
  if ((await run(tool, [flag])).missing) {
    console.error(
      `${tool} is missing: the models need spin and gcc (Debian and Ubuntu: apt-get install spin gcc)`,
    );
    process.exit(2);
  }
}

const all = (await readdir(MODELS))
  .filter((file) => file.endsWith('.pml'))
  .map((file) => file.slice(0, -4));
const named = process.argv.slice(2);
const unknown = named.filter((model) => !all.includes(model));
if (unknown.length > 0) {
  console.error(`no such model: ${unknown.join(', ')}; there are ${all.join(', ')}`);
  process.exit(2);
}
const checks = (await Promise.all((named.length > 0 ? named : all).map(checksOf))).flat();
let next = 0;
let failed = 0;
async function worker() {
  for (let check = checks[next++]; check; check = checks[next++]) {
    const { passed, line } = await verify(check);
    if (!passed) failed++;
    console.log(`${passed ? 'ok    ' : 'FAILED'} ${line}`);
  }
}
await Promise.all(Array.from({ length: WORKERS }, worker));
console.log(`${checks.length - failed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
