// SPDX-License-Identifier: MIT
// File descriptors 0 to 2: the machine's console. Output is passed on as it is written,
// reading never blocks.

import { EBADF, EFAULT, EINVAL, ENOSYS, ENOTDIR, ENOTSUP, ESPIPE, SUCCESS } from './wasi-errno.ts';
import type { WasiOptions } from './wasi-host.ts';
import { sizeOf, type WasiMemory } from './wasi-memory.ts';

const STDIN = 0;
const STDOUT = 1;
/** The last descriptor of the console. */
const STDERR = 2;

const CHARACTER_DEVICE = 2;
const FDSTAT_SIZE = 24;
const FDSTAT_RIGHTS = 8;
const RIGHT_READ = 1n << 1n;
const RIGHT_WRITE = 1n << 6n;
const RIGHT_POLL = 1n << 27n;
const FILESTAT_SIZE = 64;
const FILESTAT_TYPE = 16;
const FILESTAT_LINKS = 24;

/** True for a descriptor of the console, open or not. */
export function isStream(fd: number): boolean {
  return fd >>> 0 <= STDERR;
}

/** The functions whose first argument is a file descriptor, for those of the console. */
export function streamFunctions(memory: WasiMemory, options: WasiOptions) {
  const closed = new Set<number>();
  const whenOpen = (fd: number, errno: number) => (closed.has(fd) ? EBADF : errno);

  return {
    fd_write(fd: number, iovs: number, count: number, written: number): number {
      if (fd === STDIN || closed.has(fd)) return EBADF;
      const buffers = memory.inside(written, 4) ? memory.buffers(iovs, count) : undefined;
      if (!buffers) return EFAULT;
      const bytes = memory.gather(buffers);
      if (bytes.length > 0) options.onOutput(fd === STDOUT ? 'stdout' : 'stderr', bytes);
      memory.view.setUint32(written >>> 0, bytes.length, true);
      return SUCCESS;
    },

    fd_read(fd: number, iovs: number, count: number, read: number): number {
      if (fd !== STDIN || closed.has(fd)) return EBADF;
      const buffers = memory.inside(read, 4) ? memory.buffers(iovs, count) : undefined;
      if (!buffers) return EFAULT;
      const size = sizeOf(buffers);
      const input = options.readInput(size).subarray(0, size);
      memory.scatter(buffers, input);
      memory.view.setUint32(read >>> 0, input.length, true);
      return SUCCESS;
    },

    fd_close(fd: number): number {
      if (closed.has(fd)) return EBADF;
      closed.add(fd);
      return SUCCESS;
    },

    fd_fdstat_get(fd: number, stat: number): number {
      if (closed.has(fd)) return EBADF;
      if (!memory.inside(stat, FDSTAT_SIZE)) return EFAULT;
      const bytes = new Uint8Array(FDSTAT_SIZE);
      bytes[0] = CHARACTER_DEVICE;
      const rights = RIGHT_POLL | (fd === STDIN ? RIGHT_READ : RIGHT_WRITE);
      new DataView(bytes.buffer).setBigUint64(FDSTAT_RIGHTS, rights, true);
      memory.write(stat, bytes);
      return SUCCESS;
    },

    fd_filestat_get(fd: number, stat: number): number {
      if (closed.has(fd)) return EBADF;
      if (!memory.inside(stat, FILESTAT_SIZE)) return EFAULT;
      const bytes = new Uint8Array(FILESTAT_SIZE);
      bytes[FILESTAT_TYPE] = CHARACTER_DEVICE;
      bytes[FILESTAT_LINKS] = 1;
      memory.write(stat, bytes);
      return SUCCESS;
    },

    // Everything is passed on at once, and nothing ever blocks, regardless of the flags.
    fd_fdstat_set_flags: (fd: number, _flags: number) => whenOpen(fd, SUCCESS),
    fd_sync: (fd: number) => whenOpen(fd, SUCCESS),
    fd_datasync: (fd: number) => whenOpen(fd, SUCCESS),

    fd_seek: (fd: number, _offset: bigint, _whence: number, _at: number) => whenOpen(fd, ESPIPE),
    fd_tell: (fd: number, _at: number) => whenOpen(fd, ESPIPE),
    fd_pread: (fd: number, _iovs: number, _count: number, _offset: bigint, _read: number) =>
      whenOpen(fd, ESPIPE),
    fd_pwrite: (fd: number, _iovs: number, _count: number, _offset: bigint, _written: number) =>
      whenOpen(fd, ESPIPE),
    fd_allocate: (fd: number, _offset: bigint, _length: bigint) => whenOpen(fd, ESPIPE),
    fd_filestat_set_size: (fd: number, _size: bigint) => whenOpen(fd, EINVAL),
    fd_filestat_set_times: (fd: number, _accessed: bigint, _modified: bigint, _flags: number) =>
      whenOpen(fd, ENOSYS),
    fd_fdstat_set_rights: (fd: number, _base: bigint, _inheriting: bigint) => whenOpen(fd, ENOSYS),
    fd_readdir: (fd: number, _buffer: number, _size: number, _cookie: bigint, _used: number) =>
      whenOpen(fd, ENOTDIR),
    fd_renumber: (fd: number, _to: number) => whenOpen(fd, ENOTSUP),
  };
}
