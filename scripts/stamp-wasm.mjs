// SPDX-License-Identifier: MIT
// The custom section that identifies a hot module: its name and the version of the
// package. The loader (assembly/module-file.ts) refuses other modules, because modules
// and scripts share memory layouts.

import { readFileSync, writeFileSync } from 'node:fs';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

/** @param {string} text Below 128 bytes: its length is one byte. */
const sized = (text) => {
  const bytes = Buffer.from(text);
  return Buffer.of(bytes.length, ...bytes);
};

/** @param {string} name */
const stampOf = (name) => `${name} of vsmmu ${version}`;

/**
 * Appends the section to a file.
 * @param {string} path
 * @param {string} name Name of the module: "smmu-core".
 */
export function stamp(path, name) {
  const contents = Buffer.concat([sized('vsmmu'), Buffer.from(stampOf(name))]);
  writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.of(0, contents.length), contents]));
}

/** The input that determines the section of a module. */
export const STAMP_INPUT = stampOf('');
