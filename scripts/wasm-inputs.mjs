// SPDX-License-Identifier: MIT
// The inputs of a WebAssembly module: the AssemblyScript files that its entry file
// imports, directly or indirectly, the options of its target, and the compiler.

import { createHash } from 'node:crypto';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BuildError, readIfFile } from './build-record.mjs';
import { specifiersOf } from './imports.mjs';

/**
 * Files of this project that determine the output and the checks of a build, for any
 * tree.
 */
const TOOLS = [
  '../node_modules/assemblyscript/package.json',
  '../node_modules/binaryen/package.json',
  './check-wasm.mjs',
  './stamp-wasm.mjs',
  './wasm-reader.mjs',
].map((file) => fileURLToPath(new URL(file, import.meta.url)));

/**
 * @typedef {(file: string) => string | undefined} TreeReader The text of a file;
 *   undefined when it does not exist.
 */

/**
 * Reads each file of a tree once, regardless of the number of modules that use it.
 * @param {string} root
 * @returns {TreeReader}
 */
export function treeReader(root) {
  /** @type {Map<string, string | undefined>} */
  const texts = new Map();
  return (file) => {
    if (!texts.has(file)) texts.set(file, readIfFile(join(root, file))?.toString());
    return texts.get(file);
  };
}

/**
 * The file that an import refers to, by the compiler's rules: `./walk` is walk.ts,
 * otherwise walk/index.ts.
 * @param {TreeReader} read
 * @param {string} importer
 * @param {string} specifier
 */
function resolveImport(read, importer, specifier) {
  if (!specifier.startsWith('.'))
    throw new BuildError(`${importer} imports '${specifier}', which is not a file of this tree`);
  const path = posix.join(posix.dirname(importer), specifier);
  const candidates = [`${path}.ts`, `${path}/index.ts`];
  // A missing file is an input, too: once it exists, the module is stale.
  return candidates.find((file) => read(file) !== undefined) ?? `${path}.ts`;
}

/**
 * Source files of a module, its entry file first: relative to the root, including missing
 * ones.
 * @param {TreeReader} read
 * @param {string} entry
 */
export function importClosure(read, entry) {
  const files = new Set([entry]);
  // The iteration also visits the files that are added during it.
  for (const file of files)
    for (const specifier of specifiersOf(read(file) ?? ''))
      files.add(resolveImport(read, file, specifier));
  return [...files];
}

/**
 * A hash of everything that determines the compiler's output for an entry file.
 * @param {TreeReader} read
 * @param {string} entry
 * @param {unknown} options Of the compiler.
 */
export function hashOfInputs(read, entry, options) {
  const hash = createHash('sha256').update(JSON.stringify(options));
  for (const tool of TOOLS) hash.update(readIfFile(tool) ?? '');
  for (const file of importClosure(read, entry).sort()) {
    const text = read(file);
    hash.update(`${file}\0${text?.length}\0${text}`);
  }
  return hash.digest('hex');
}
