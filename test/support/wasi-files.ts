// SPDX-License-Identifier: MIT
// The WASI of a guest that opens files, with WASI's constants and the calls that most of
// its tests make.

import { expect } from 'vitest';
import { wasiOf } from './wasi.ts';

export const SUCCESS = 0;
export const EBADF = 8;
export const EBUSY = 10;
export const EEXIST = 20;
export const EFAULT = 21;
export const EILSEQ = 25;
export const EINVAL = 28;
export const EIO = 29;
export const EISDIR = 31;
export const EMFILE = 33;
export const ENAMETOOLONG = 37;
export const ENOENT = 44;
export const ENOSPC = 51;
export const ENOTDIR = 54;
export const ENOTEMPTY = 55;
export const ENOTSUP = 58;
export const EPERM = 63;
export const ENOTCAPABLE = 76;
/** Maximum number of bytes per call. */
export const MOST = 2 ** 16;
export const PAGES = 64;
export const END = PAGES * 65536;
export const ROOT = 3;
export const [CREATE, DIRECTORY, EXCLUSIVE, TRUNCATE] = [1, 2, 4, 8];
export const [FROM_HERE, END_OF_FILE] = [1, 2];
export const [TYPE_DIRECTORY, TYPE_FILE] = [3, 4];
export const [RIGHT_READ, RIGHT_WRITE] = [1n << 1n, 1n << 6n];
export const ALL_RIGHTS = 0x1fffffffn;
export const RESULT = 256;
export const IOVEC = 512;
export const PATH = 1024;
export const DATA = 65536;

const NAMES = [
  ...['fd_allocate', 'fd_close', 'fd_datasync', 'fd_fdstat_get', 'fd_fdstat_set_flags'],
  ...['fd_fdstat_set_rights', 'fd_filestat_get', 'fd_filestat_set_size', 'fd_filestat_set_times'],
  ...['fd_pread', 'fd_prestat_get', 'fd_prestat_dir_name', 'fd_pwrite', 'fd_read', 'fd_readdir'],
  ...['fd_renumber', 'fd_seek', 'fd_sync', 'fd_tell', 'fd_write', 'path_create_directory'],
  ...['path_filestat_get', 'path_filestat_set_times', 'path_link', 'path_open', 'path_readlink'],
  ...['path_remove_directory', 'path_rename', 'path_symlink', 'path_unlink_file', 'poll_oneoff'],
] as const;
/** A function that it imports. */
export type FileCall = (typeof NAMES)[number];

/**
 * A guest without files yet; its path, vector and result are at the addresses in the
 * constants.
 */
export async function files() {
  const wasi = await wasiOf(NAMES, { pages: PAGES });
  const { view, put, iovec, text } = wasi;
  const functions = wasi.functions as Record<FileCall, (...args: (number | bigint)[]) => number>;
  const path = (name: string, at = PATH): [number, number] => {
    put(at, name);
    return [at, name.length];
  };
  const open = (name: string, flags = CREATE) => {
    const at = path(name);
    const errno = functions.path_open(ROOT, 0, ...at, flags, ALL_RIGHTS, ALL_RIGHTS, 0, RESULT);
    return { errno, fd: view.getUint32(RESULT, true) };
  };
  /** The number of bytes written, or the errno if none were. */
  const write = (fd: number, length: number, start = DATA) => {
    iovec(IOVEC, start, length);
    const errno = functions.fd_write(fd, IOVEC, 1, RESULT);
    return errno === SUCCESS ? view.getUint32(RESULT, true) : -errno;
  };
  const read = (fd: number, length: number) => {
    iovec(IOVEC, DATA, length);
    expect(functions.fd_read(fd, IOVEC, 1, RESULT)).toBe(SUCCESS);
    return text(DATA, view.getUint32(RESULT, true));
  };
  const unlink = (name: string) => functions.path_unlink_file(ROOT, ...path(name));
  const seek = (fd: number, offset: bigint, whence = 0) => {
    const errno = functions.fd_seek(fd, offset, whence, RESULT);
    return errno === SUCCESS ? Number(view.getBigUint64(RESULT, true)) : -errno;
  };
  const stat = (name: string) => {
    expect(functions.path_filestat_get(ROOT, 0, ...path(name), RESULT)).toBe(SUCCESS);
    return {
      inode: view.getBigUint64(RESULT + 8, true),
      type: view.getUint8(RESULT + 16),
      size: Number(view.getBigUint64(RESULT + 32, true)),
    };
  };
  return { ...wasi, functions, path, open, write, read, seek, stat, unlink };
}
