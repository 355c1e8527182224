// SPDX-License-Identifier: MIT
// Paths of a guest in the form for the library: names only. The library traps at "..",
// and handles long paths in quadratic time.

import { EILSEQ, EINVAL, ENAMETOOLONG, ENOTCAPABLE } from './wasi-errno.ts';

/** Maximum number of bytes of a path. */
export const MAX_PATH = 4096;
/** Maximum number of nested directories below the root. */
const MAX_DEPTH = 32;
/** Maximum number of bytes of a name. */
const MAX_NAME = 255;

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The bytes of a name or a path. */
export const encode = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/** A character has at most three bytes, so most names need not be encoded to decide. */
const isLong = (name: string): boolean =>
  3 * name.length > MAX_NAME && encode(name).length > MAX_NAME;

/** The text of a name or a path; undefined when it is not UTF-8. */
function textOf(bytes: Uint8Array): string | undefined {
  try {
    return UTF8.decode(bytes);
  } catch {
    return undefined;
  }
}

/**
 * The names of a path, without "." and "..": there are no links, so a name followed by
 * ".." cancels out.
 * @param depth of the directory that it starts at.
 * @returns an errno when it leads out of that directory, or is not valid.
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

/** The path of names, in the library's format. */
export function pathOf(names: readonly string[]): Uint8Array<ArrayBuffer> {
  return encode(names.length === 0 ? '.' : names.join('/'));
}
