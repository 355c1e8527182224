// SPDX-License-Identifier: MIT
// The functions of WASI that the library serves, with what their arguments are, and which
// values of them it traps at.

import type { WasiFunction } from '../import-types.ts';

export type WasiValue = number | bigint;

/** Arguments with values that mean nothing. */
type Checked = 'whence' | 'offset' | 'fstflags';

/**
 * What the arguments of a function are, in their order: a number as it is, or one that the
 * library has to be kept from; a file descriptor; a path (pointer and length); buffers whose
 * bytes it takes, or fills (a vector and its count); a buffer that it fills (pointer and
 * length); or an address where it stores so many bytes.
 */
export type Argument = 'value' | Checked | 'fd' | 'path' | 'source' | 'target' | 'buffer' | number;

export const FILE_FUNCTIONS = {
  fd_allocate: ['fd', 'value', 'value'],
  fd_close: ['fd'],
  fd_datasync: ['fd'],
  fd_fdstat_get: ['fd', 24],
  fd_fdstat_set_flags: ['fd', 'value'],
  fd_fdstat_set_rights: ['fd', 'value', 'value'],
  fd_filestat_get: ['fd', 64],
  fd_filestat_set_size: ['fd', 'value'],
  fd_filestat_set_times: ['fd', 'value', 'value', 'fstflags'],
  fd_pread: ['fd', 'target', 'offset', 4],
  fd_pwrite: ['fd', 'source', 'offset', 4],
  fd_read: ['fd', 'target', 4],
  fd_readdir: ['fd', 'buffer', 'value', 4],
  fd_seek: ['fd', 'value', 'whence', 8],
  fd_sync: ['fd'],
  fd_tell: ['fd', 8],
  fd_write: ['fd', 'source', 4],
  path_create_directory: ['fd', 'path'],
  path_filestat_get: ['fd', 'value', 'path', 64],
  path_filestat_set_times: ['fd', 'value', 'path', 'value', 'value', 'fstflags'],
  path_open: ['fd', 'value', 'path', 'value', 'value', 'value', 'value', 4],
  path_readlink: ['fd', 'path', 'buffer', 4],
  path_remove_directory: ['fd', 'path'],
  path_unlink_file: ['fd', 'path'],
} as const satisfies Partial<Record<WasiFunction, readonly Argument[]>>;

export type FileFunction = keyof typeof FILE_FUNCTIONS;

/** Bits of fstflags: a time is given, or is that of now. */
export const TIMES = [
  { given: 1, now: 2 },
  { given: 4, now: 8 },
] as const;

const WHENCE_END = 2;
const MAX_OFFSET = 2n ** 31n - 1n;

/** Whether a value means something. */
export const CHECKS: Readonly<Record<Checked, (value: WasiValue) => boolean>> = {
  whence: (value) => Number(value) >>> 0 <= WHENCE_END,
  offset: (value) => BigInt.asUintN(64, BigInt(value)) <= MAX_OFFSET,
  fstflags: (value) => {
    const flags = Number(value);
    const known = TIMES.reduce((bits, { given, now }) => bits | given | now, 0);
    return (flags & ~known) === 0 && !TIMES.some(({ given, now }) => flags & given && flags & now);
  },
};

export function isChecked(argument: Argument): argument is Checked {
  return typeof argument === 'string' && Object.hasOwn(CHECKS, argument);
}
