// SPDX-License-Identifier: MIT
// The entries of a directory in the format of fd_readdir.

import type { TreeEntry } from './file-tree.ts';
import { encode } from './wasi-paths.ts';

const [DIRECTORY, REGULAR_FILE] = [3, 4];
/** Size of an entry without its name. */
const DIRENT_SIZE = 24;
const [DIRENT_INODE, DIRENT_NAME_LENGTH, DIRENT_TYPE] = [8, 16, 20];
const [DOT, DOT_DOT] = [encode('.'), encode('..')];

/** Entries with their cookies, in order. */
function* entriesOf(directory: TreeEntry): Generator<readonly [number, Uint8Array, TreeEntry]> {
  yield [1, DOT, directory];
  yield [2, DOT_DOT, directory.parent ?? directory];
  for (const entry of directory.children) yield [entry.cookie, entry.nameBytes, entry];
}

/**
 * The entries after the one with a cookie, 0 for all; the last one may be truncated.
 * @param room in bytes. A shorter result means that there are no more.
 */
export function listing(directory: TreeEntry, cookie: number, room: number): Uint8Array {
  const listed: (readonly [number, Uint8Array, TreeEntry])[] = [];
  let length = 0;
  for (const one of entriesOf(directory)) {
    if (one[0] <= cookie) continue;
    if (length >= room) break;
    listed.push(one);
    length += DIRENT_SIZE + one[1].length;
  }
  // Two 32-bit words in place of a BigInt: there may be a thousand entries. The upper one
  // is 0.
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  let start = 0;
  for (const [at, name, entry] of listed) {
    view.setUint32(start, at, true);
    view.setUint32(start + DIRENT_INODE, entry.inode, true);
    view.setUint32(start + DIRENT_NAME_LENGTH, name.length, true);
    view.setUint8(start + DIRENT_TYPE, entry.isDirectory ? DIRECTORY : REGULAR_FILE);
    bytes.set(name, start + DIRENT_SIZE);
    start += DIRENT_SIZE + name.length;
  }
  return bytes.subarray(0, Math.min(length, room));
}
