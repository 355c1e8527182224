// SPDX-License-Identifier: MIT
// Paths of a guest, as the library may see them: names only. What it makes of ".." it
// traps at, and what it does with long paths takes time that grows with their square.

import { EILSEQ, EINVAL, ENAMETOOLONG, ENOTCAPABLE } from './wasi-errno.ts';

/** Bytes of a path. */
export const MAX_PATH = 4096;
/** Directories that one lies in, below the one that a program finds open. */
const MAX_DEPTH = 32;
/** Bytes of a name. */
const MAX_NAME = 255;

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The bytes of a name or a path. */
export const encode = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/** A character is three bytes at most, so that most names need not be encoded to know. */
const isLong = (name: string): boolean =>
  3 * name.length > MAX_NAME && encode(name).length > MAX_NAME;

/** The text of a name or a path; undefined when it is no UTF-8. */
function textOf(bytes: Uint8Array): string | undefined {
  try {
    return UTF8.decode(bytes);
  } catch {
    return undefined;
  }
}

/**
 * The names of a path, without "." and "..": there are no links, so that a name and a ".."
 * behind it cancel out.
 * @param depth of the directory that it starts at.
 * @returns an errno when it leads out of that directory, or is none.
 */
export function namesOf(path: Uint8Array, depth: number): readonly string[] | number {
  const text = textOf(path);
  if (text === undefined) return EILSEQ;
  if (text === '' || text.includes('\0')) return EINVAL;
  const names: string[] = [];
  for (const name of text.split('/')) {
    if (name === '' || name === '.') continue;
    if (isLong(name)) return ENAMETOOLONG;
    if (name !== '..') names.push(name);
    else if (names.pop() === undefined) return ENOTCAPABLE;
  }
  return depth + names.length > MAX_DEPTH ? ENAMETOOLONG : names;
}

/** The path of names, which the library reads. */
export function pathOf(names: readonly string[]): Uint8Array<ArrayBuffer> {
  return encode(names.length === 0 ? '.' : names.join('/'));
}
