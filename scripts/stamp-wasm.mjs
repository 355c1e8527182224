// SPDX-License-Identifier: MIT
// What a hot module says of itself, in a custom section: its name and the version of the package. The loader
// (assembly/module-file.ts) refuses one that says something else, since modules and scripts share memory layouts.

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
 * @param {string} name What the module is: "smmu-core".
 */
export function stamp(path, name) {
  const contents = Buffer.concat([sized('vsmmu'), Buffer.from(stampOf(name))]);
  writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.of(0, contents.length), contents]));
}

/** What decides what the section of a module says. */
export const STAMP_INPUT = stampOf('');
