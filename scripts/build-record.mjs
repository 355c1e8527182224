// SPDX-License-Identifier: MIT
// Records of the inputs of each part's last build: one small file for each part, in
// build/records.

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Folder of the records, relative to the root. */
export const RECORDS = 'build/records';

/** A failure that the tool's own output, or a single line, has explained. */
export class BuildError extends Error {}

/**
 * The state of a part after its last build: hashes of its inputs and of its outputs.
 * @param {string} root
 * @param {string} part
 */
export function recordOf(root, part) {
  return readIfFile(join(root, RECORDS, part))?.toString();
}

/**
 * @param {string} root
 * @param {string} part
 * @param {string} state
 */
export function record(root, part, state) {
  const path = join(root, RECORDS, part);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, state);
}

/**
 * A hash of the names and contents of files; a missing file counts as such.
 * @param {string} root
 * @param {readonly string[]} files Relative to the root.
 */
export function hashOfFiles(root, files) {
  const hash = createHash('sha256');
  for (const file of files) {
    const bytes = readIfFile(join(root, file));
    hash.update(`${file}\0${bytes?.length}\0`).update(bytes ?? '');
  }
  return hash.digest('hex');
}

/** @param {string} path */
export function readIfFile(path) {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}
