// SPDX-License-Identifier: MIT
// dist/: JavaScript and types of the TypeScript sources (tsc), and copies of the
// WebAssembly modules.

import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, isAbsolute, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BuildError, hashOfFiles, RECORDS, readIfFile, record, recordOf } from './build-record.mjs';
import { runNode } from './run-node.mjs';

const TSC = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url));
const CONFIG = 'tsconfig.json';
const DIST = 'dist';
const CLI = `${DIST}/cli/main.js`;
const PART = 'dist';
/** tsc's state for the next incremental build. */
const BUILD_INFO = `${RECORDS}/tsc.tsbuildinfo`;
/**
 * Files that determine tsc's output for the sources: its options, and the versions of tsc
 * and of the imported packages.
 */
const TOOLS = [CONFIG, 'package.json', 'node_modules/.package-lock.json'];

/**
 * The files that match a pattern of tsconfig.json's `include`.
 * @param {string} root
 * @param {string} pattern
 */
function filesOf(root, pattern) {
  const [, folder, deep] = /^([\w/-]+?)\/(\*\*\/)?\*\.ts$/.exec(pattern) ?? [];
  if (!folder)
    throw new BuildError(
      `${CONFIG} includes ${pattern}: only folder/*.ts and folder/**/*.ts are known here`,
    );
  return readdirSync(join(root, folder), { recursive: deep !== undefined, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`);
}

/** @param {string} root */
function sourcesOf(root) {
  const { include } = JSON.parse(readFileSync(join(root, CONFIG), 'utf8'));
  return [
    ...new Set(include.flatMap((/** @type {string} */ pattern) => filesOf(root, pattern))),
  ].sort();
}

/** The output files of tsc for a source. @param {string} source */
const outputsOf = (source) =>
  ['.js', '.d.ts'].map((ending) => `${DIST}/${source.replace(/\.ts$/, ending)}`);

/**
 * @typedef {object} Dist
 * @property {readonly string[]} sources TypeScript, relative to the root.
 * @property {readonly string[]} outputs Output files of tsc.
 * @property {readonly string[]} modules WebAssembly modules to copy.
 * @property {string} inputs A hash of the sources and of the tools.
 */

/**
 * @param {string} root
 * @param {readonly string[]} modules Files of the WebAssembly modules, relative to the
 *   root.
 * @returns {Dist}
 */
export function distOf(root, modules) {
  const sources = sourcesOf(root);
  return {
    sources,
    outputs: sources.flatMap(outputsOf),
    modules,
    inputs: hashOfFiles(root, [...TOOLS, ...sources]),
  };
}

/** @param {string} root @param {Dist} dist */
const stateOf = (root, { inputs, outputs }) => `${inputs} ${hashOfFiles(root, outputs)}`;

/** @param {string} root @param {string} module */
function isCopied(root, module) {
  const copy = readIfFile(join(root, DIST, module));
  return copy !== undefined && readIfFile(join(root, module))?.equals(copy) === true;
}

/**
 * Whether dist/ has to be built.
 * @param {string} root
 * @param {Dist} dist
 */
export function isDistStale(root, dist) {
  if (recordOf(root, PART) !== stateOf(root, dist)) return true;
  return !dist.modules.every((module) => isCopied(root, module));
}

/**
 * Brings dist/ up to date.
 * @param {string} root
 * @param {Dist} dist
 * @param {boolean} lenient Accepts tsc's output for sources with type errors, which is
 *   still executable. dist/ then stays stale.
 * @throws {BuildError}
 */
export async function buildDist(root, dist, lenient) {
  const recorded = recordOf(root, PART);
  const state = stateOf(root, dist);
  if (recorded !== state) {
    // tsc relies on its previous output being present and unchanged.
    const outputs = (/** @type {string | undefined} */ text) => text?.split(' ')[1];
    if (outputs(recorded) !== outputs(state)) rmSync(join(root, BUILD_INFO), { force: true });
    const typed = await compile(root, dist, lenient);
    record(root, PART, typed ? stateOf(root, dist) : '');
  }
  const copies = dist.modules.map((module) => {
    const copy = join(root, DIST, module);
    mkdirSync(dirname(copy), { recursive: true });
    if (!isCopied(root, module)) copyFileSync(join(root, module), copy);
    return copy;
  });
  removeOthers(root, new Set([...dist.outputs.map((output) => join(root, output)), ...copies]));
}

/**
 * @param {string} root
 * @param {Dist} dist
 * @param {boolean} lenient
 * @returns {Promise<boolean>} Whether there were no type errors.
 */
async function compile(root, { sources }, lenient) {
  const options = ['--incremental', '--tsBuildInfoFile', BUILD_INFO, '--listFiles'];
  if (!lenient) options.push('--noEmitOnError');
  const { ok, output } = await runNode([TSC, '-p', CONFIG, ...options], root);
  const known = new Set(sources);
  /** @type {string[]} */
  const unknown = [];
  for (const line of output.split('\n')) {
    // The line is a file of the program, or a message.
    if (!isAbsolute(line)) process.stderr.write(line && `${line}\n`);
    else if (!line.includes('/node_modules/') && !known.has(relative(root, line)))
      unknown.push(relative(root, line));
  }
  if (!ok && !lenient) throw new BuildError('tsc found type errors');
  // Otherwise changes of such a file would go unnoticed.
  if (unknown.length > 0) throw new BuildError(`${CONFIG} does not include ${unknown.join(', ')}`);
  chmodSync(join(root, CLI), 0o755);
  return ok;
}

/**
 * Removes the files of earlier builds from dist/.
 * @param {string} root
 * @param {ReadonlySet<string>} keep
 */
function removeOthers(root, keep) {
  for (const entry of readdirSync(join(root, DIST), { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && !keep.has(path)) rmSync(path);
  }
}
