// SPDX-License-Identifier: MIT
// The functions of WASI that the library implements, with the kinds of their arguments,
// and the values at which it traps.

import type { WasiFunction } from '../import-types.ts';

export type WasiValue = number | bigint;

/**
 * The kinds of a function's arguments, in order: a number that is passed on, or one that
 * the library must not get; a file descriptor; a path (pointer and length); a buffer that
 * it fills (pointer and length); or an address at which it stores this number of bytes.
 */
export type Argument = 'value' | 'fstflags' | 'fd' | 'path' | 'buffer' | number;

export const FILE_FUNCTIONS = {
  fd_fdstat_get: ['fd', 24],
  fd_fdstat_set_flags: ['fd', 'value'],
  fd_fdstat_set_rights: ['fd', 'value', 'value'],
  fd_filestat_get: ['fd', 64],
  fd_filestat_set_times: ['fd', 'value', 'value', 'fstflags'],
  path_create_directory: ['fd', 'path'],
  path_filestat_get: ['fd', 'value', 'path', 64],
  path_filestat_set_times: ['fd', 'value', 'path', 'value', 'value', 'fstflags'],
  path_open: ['fd', 'value', 'path', 'value', 'value', 'value', 'value', 4],
  path_readlink: ['fd', 'path', 'buffer', 4],
  path_remove_directory: ['fd', 'path'],
  path_unlink_file: ['fd', 'path'],
} as const satisfies Partial<Record<WasiFunction, readonly Argument[]>>;

export type FileFunction = keyof typeof FILE_FUNCTIONS;

/** Bits of fstflags: a time is given, or is the current time. */
const TIMES = [
  { given: 1, now: 2 },
  { given: 4, now: 8 },
] as const;

const KNOWN = TIMES.reduce((bits, { given, now }) => bits | given | now, 0);

/** True when the flags of times are valid. */
export function areTimes(flags: number): boolean {
  return (flags & ~KNOWN) === 0 && !TIMES.some(({ given, now }) => flags & given && flags & now);
}

/**
 * The library has no clock: it traps when it has to use the current time.
 * @param given arguments, the flags last.
 */
export function withTimesOfNow(given: readonly WasiValue[]): readonly WasiValue[] {
  const copy = [...given];
  const flags = copy.length - 1;
  for (const [i, { given: isGiven, now }] of TIMES.entries()) {
    const set = Number(copy[flags]);
    if ((set & now) === 0) continue;
    copy[flags] = (set & ~now) | isGiven;
    copy[flags - TIMES.length + i] = BigInt(Date.now()) * 1_000_000n;
  }
  return copy;
}
