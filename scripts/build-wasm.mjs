// SPDX-License-Identifier: MIT
// The WebAssembly modules: determines which of them are out of date, and compiles those
// (asc).

import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { compileWithAsc } from './asc.mjs';
import { BuildError, hashOfFiles, record, recordOf } from './build-record.mjs';
import { checkFile, HOT_MODULES } from './check-wasm.mjs';
import { STAMP_INPUT, stamp } from './stamp-wasm.mjs';
import { hashOfInputs, treeReader } from './wasm-inputs.mjs';

const CONFIG = 'asconfig.json';

/** Targets of asconfig.json, and their entry files. */
export const ENTRIES = {
  'guest-port': 'assembly/guest-port/index.ts',
  'guest-port-private': 'assembly/guest-port/index.ts',
  'smmu-core': 'assembly/smmu-core/index.ts',
  'smmu-core-checked': 'assembly/smmu-core-checked/index.ts',
  'vcmdq-drain': 'assembly/vcmdq-drain/index.ts',
  'amd-iommu': 'assembly/amd-iommu/index.ts',
  arm64: 'assembly/arm64/index.ts',
  gicv3: 'assembly/gicv3/index.ts',
  toy: 'guest-driver/toy/index.ts',
  secondary: 'guest-driver/secondary/index.ts',
  driver: 'guest-driver/driver/driver-exports.ts',
};

/**
 * Folder of a debug build, relative to the root. It is separate from dist/, so that tests
 * and package keep using the release modules.
 */
export const DEBUG = 'dist-debug';

/**
 * @typedef {object} WasmModule
 * @property {string} name Its target, and whether it is for debugging.
 * @property {string} target Of asconfig.json.
 * @property {boolean} debug
 * @property {string} outFile Relative to the root.
 * @property {string} [textFile] The module as text, if the target has one.
 * @property {readonly string[]} command Arguments of the compiler.
 * @property {string} inputs A hash of the module's inputs.
 */

/**
 * The modules of a tree.
 * @param {string} root
 * @param {{ debug?: boolean, entries?: Readonly<Record<string, string>> }} [options]
 *   debug: with names and source maps.
 * @returns {WasmModule[]}
 */
export function wasmModules(root, { debug = false, entries = ENTRIES } = {}) {
  const read = treeReader(root);
  const { options, targets } = JSON.parse(read(CONFIG) ?? '{}');
  return Object.entries(entries).map(([target, entry]) => {
    const { outFile, textFile } = targets[target];
    const command = [entry, '--target', target];
    if (debug) command.push(...debugOptions(outFile, textFile));
    const inputs = hashOfInputs(read, entry, [options, targets[target], command, STAMP_INPUT]);
    const place = (/** @type {string} */ file) => (debug ? `${DEBUG}/${file}` : file);
    return {
      name: debug ? `${target} (debug)` : target,
      target,
      debug,
      outFile: place(outFile),
      ...(textFile === undefined ? {} : { textFile: place(textFile) }),
      command,
      inputs,
    };
  });
}

/**
 * Options without inlining: each function of the source has its own frame. Without the
 * pass, a hot module would have a table.
 * @param {string} outFile
 * @param {string | undefined} textFile
 */
function debugOptions(outFile, textFile) {
  const options = ['--debug', '--sourceMap', '--optimizeLevel', '0'];
  options.push('--runPasses', 'remove-unused-module-elements');
  options.push('--outFile', `${DEBUG}/${outFile}`);
  if (textFile !== undefined) options.push('--textFile', `${DEBUG}/${textFile}`);
  return options;
}

/** @param {WasmModule} module */
const partOf = ({ outFile }) => outFile.replaceAll('/', '.');

/**
 * The output counts, too: a module written by something else does not match the inputs.
 * @param {string} root
 * @param {WasmModule} module
 */
const stateOf = (root, { inputs, outFile, textFile }) =>
  `${inputs} ${hashOfFiles(root, textFile === undefined ? [outFile] : [outFile, textFile])}`;

/**
 * The modules that have to be compiled.
 * @param {string} root
 * @param {readonly WasmModule[]} modules
 */
export function staleModules(root, modules) {
  return modules.filter((module) => recordOf(root, partOf(module)) !== stateOf(root, module));
}

/**
 * Compiles modules, and checks those that are hot.
 * @param {string} root
 * @param {readonly WasmModule[]} modules
 * @throws {BuildError} once all have been tried.
 */
export async function compileModules(root, modules) {
  const results = await Promise.allSettled(modules.map((module) => compile(root, module)));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

/**
 * @param {string} root
 * @param {WasmModule} module
 */
async function compile(root, module) {
  const path = join(root, module.outFile);
  mkdirSync(dirname(path), { recursive: true });
  const { ok, output } = await compileWithAsc(module.command, root);
  if (!ok || output.includes('WARNING')) process.stderr.write(output);
  if (!ok) throw new BuildError(`asc could not compile ${module.command[0]}`);
  const problems = await checkFile(path, { debug: module.debug });
  if (problems.length > 0) throw new BuildError(`${module.outFile}: ${problems.join('; ')}`);
  if (module.target in HOT_MODULES) stamp(path, module.target);
  record(root, partOf(module), stateOf(root, module));
}
