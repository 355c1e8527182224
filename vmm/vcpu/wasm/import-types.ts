// SPDX-License-Identifier: MIT
// The functions that a guest may import, with their types: the ABI's (docs/guest-abi.md),
// and those of WASI preview 1.

import type { FunctionType, ValueType } from './wasm-types.ts';

/** Import modules that a machine provides; `env` has the memory only. */
export const MODULE_VSMMU = 'vsmmu';
export const MODULE_WASI = 'wasi_snapshot_preview1';

const LETTERS: Readonly<Record<'i' | 'I' | 'F', ValueType>> = { i: 'i32', I: 'i64', F: 'f64' };

/**
 * A type in short notation: "iI:i" takes an i32 and an i64 and returns an i32; F is f64.
 */
function typeOf(short: string): FunctionType {
  const [params = [], results = []] = short
    .split(':')
    .map((side) => [...side].map((letter) => LETTERS[letter as keyof typeof LETTERS]));
  return { params, results };
}

const VSMMU_TYPES = {
  mmio_read32: 'i:i',
  mmio_write32: 'ii:',
  mmio_read64: 'i:I',
  mmio_write64: 'iI:',
  doorbell: 'ii:',
  tlbi: 'iiI:',
  dsb: 'I:I',
  wait: 'i:',
  vcpu_start: 'ii:i',
  clock_ns: ':F',
} as const;

/** A function of the module `vsmmu`. */
export type VsmmuFunction = keyof typeof VSMMU_TYPES;

/** Functions that a guest may import from the module `vsmmu`. */
export const VSMMU_FUNCTIONS = Object.keys(VSMMU_TYPES) as readonly VsmmuFunction[];

const WASI_TYPES = {
  args_get: 'ii:i',
  args_sizes_get: 'ii:i',
  environ_get: 'ii:i',
  environ_sizes_get: 'ii:i',
  clock_res_get: 'ii:i',
  clock_time_get: 'iIi:i',
  fd_advise: 'iIIi:i',
  fd_allocate: 'iII:i',
  fd_close: 'i:i',
  fd_datasync: 'i:i',
  fd_fdstat_get: 'ii:i',
  fd_fdstat_set_flags: 'ii:i',
  fd_fdstat_set_rights: 'iII:i',
  fd_filestat_get: 'ii:i',
  fd_filestat_set_size: 'iI:i',
  fd_filestat_set_times: 'iIIi:i',
  fd_pread: 'iiiIi:i',
  fd_prestat_get: 'ii:i',
  fd_prestat_dir_name: 'iii:i',
  fd_pwrite: 'iiiIi:i',
  fd_read: 'iiii:i',
  fd_readdir: 'iiiIi:i',
  fd_renumber: 'ii:i',
  fd_seek: 'iIii:i',
  fd_sync: 'i:i',
  fd_tell: 'ii:i',
  fd_write: 'iiii:i',
  path_create_directory: 'iii:i',
  path_filestat_get: 'iiiii:i',
  path_filestat_set_times: 'iiiiIIi:i',
  path_link: 'iiiiiii:i',
  path_open: 'iiiiiIIii:i',
  path_readlink: 'iiiiii:i',
  path_remove_directory: 'iii:i',
  path_rename: 'iiiiii:i',
  path_symlink: 'iiiii:i',
  path_unlink_file: 'iii:i',
  poll_oneoff: 'iiii:i',
  proc_exit: 'i:',
  proc_raise: 'i:i',
  random_get: 'ii:i',
  sched_yield: ':i',
  sock_accept: 'iii:i',
  sock_recv: 'iiiiii:i',
  sock_send: 'iiiii:i',
  sock_shutdown: 'ii:i',
} as const;

/** A function of WASI preview 1. */
export type WasiFunction = keyof typeof WASI_TYPES;

const typesOf = (shorts: Readonly<Record<string, string>>): ReadonlyMap<string, FunctionType> =>
  new Map(Object.entries(shorts).map(([name, short]) => [name, typeOf(short)]));

/** Types of the functions by module and name. */
export const IMPORT_TYPES: ReadonlyMap<string, ReadonlyMap<string, FunctionType>> = new Map([
  [MODULE_VSMMU, typesOf(VSMMU_TYPES)],
  [MODULE_WASI, typesOf(WASI_TYPES)],
]);

const sameTypes = (a: readonly ValueType[], b: readonly ValueType[]) =>
  a.length === b.length && a.every((type, i) => type === b[i]);

export function sameFunctionType(a: FunctionType, b: FunctionType): boolean {
  return sameTypes(a.params, b.params) && sameTypes(a.results, b.results);
}

/** "(i32, i64) -> i32" */
export function functionTypeText({ params, results }: FunctionType): string {
  return `(${params.join(', ')})${results.length > 0 ? ` -> ${results.join(', ')}` : ''}`;
}
