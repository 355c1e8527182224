// SPDX-License-Identifier: MIT
// What a WebAssembly module is made of: the AssemblyScript files that its entry file imports, directly or not, the options of
// its target, and the compiler.

import { createHash } from 'node:crypto';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BuildError, readIfFile } from './build-record.mjs';
import { specifiersOf } from './imports.mjs';

/** Files of this project that decide what a build makes and accepts, whatever tree it builds. */
const TOOLS = [
  '../node_modules/assemblyscript/package.json',
  '../node_modules/binaryen/package.json',
  './check-wasm.mjs',
  './stamp-wasm.mjs',
  './wasm-reader.mjs',
].map((file) => fileURLToPath(new URL(file, import.meta.url)));

/** @typedef {(file: string) => string | undefined} TreeReader The text of a file; undefined where there is none. */

/**
 * Reads each file of a tree once, however many modules are made of it.
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
 * The file that an import leads to, by the compiler's rules: `./walk` is walk.ts, otherwise walk/index.ts.
 * @param {TreeReader} read
 * @param {string} importer
 * @param {string} specifier
 */
function resolveImport(read, importer, specifier) {
  if (!specifier.startsWith('.'))
    throw new BuildError(`${importer} imports '${specifier}', which is not a file of this tree`);
  const path = posix.join(posix.dirname(importer), specifier);
  const candidates = [`${path}.ts`, `${path}/index.ts`];
  // A missing file is an input too: once it exists, the module is stale.
  return candidates.find((file) => read(file) !== undefined) ?? `${path}.ts`;
}

/**
 * Files that a module is made of, its entry file first: relative to the root, missing ones included.
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
 * A hash of all that decides what the compiler makes of an entry file.
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
