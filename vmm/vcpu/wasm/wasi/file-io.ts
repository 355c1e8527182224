// SPDX-License-Identifier: MIT
// The functions of WASI that read and write files, on contents stored here. The library
// only has the names of files: it would copy the whole contents at a write in the middle,
// and possibly at one that appends.

import type { WasiValue } from './file-functions.ts';
import type { FileQuota } from './file-quota.ts';
import type { TreeEntry } from './file-tree.ts';
import type { OpenFile } from './open-files.ts';
import { EFAULT, EINVAL, EISDIR, ENOSPC, EPERM, SUCCESS } from './wasi-errno.ts';
import { sizeOf, type WasiMemory } from './wasi-memory.ts';

const [WHENCE_SET, WHENCE_CURRENT, WHENCE_END] = [0, 1, 2];
export const RIGHT_READ = 1n << 1n;
export const RIGHT_WRITE = 1n << 6n;

/** A 64-bit length or offset; infinite when it is beyond every file. */
function unsigned(value: WasiValue | undefined): number {
  const exact = BigInt.asUintN(64, BigInt(value ?? 0));
  return exact <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(exact) : Number.POSITIVE_INFINITY;
}

type Contents = NonNullable<TreeEntry['contents']>;
type Argument = WasiValue | undefined;

/** Operates on an open file, its contents, and the arguments after the descriptor. */
type IoFunction = (file: OpenFile, contents: Contents, ...args: Argument[]) => number;

/** By name; for a directory the result is EISDIR. */
export function ioFunctions(memory: WasiMemory, quota: FileQuota) {
  /** @param advance the position, by the number of bytes read. */
  function read(file: OpenFile, contents: Contents, from: number | undefined, args: Argument[]) {
    const [iovs, count, result] = args.map(Number) as [number, number, number];
    if ((file.rights & RIGHT_READ) === 0n) return EPERM;
    const buffers = memory.inside(result, 4) ? memory.buffers(iovs, count) : undefined;
    if (!buffers) return EFAULT;
    const start = from ?? file.position;
    let at = start;
    for (const buffer of buffers) {
      const got = contents.read(at, memory.part(buffer));
      at += got;
      if (got < buffer.length) break;
    }
    if (from === undefined) file.position = at;
    memory.view.setUint32(result >>> 0, at - start, true);
    return SUCCESS;
  }

  function write(file: OpenFile, contents: Contents, to: number | undefined, args: Argument[]) {
    const [iovs, count, result] = args.map(Number) as [number, number, number];
    if ((file.rights & RIGHT_WRITE) === 0n) return EPERM;
    const buffers = memory.inside(result, 4) ? memory.buffers(iovs, count) : undefined;
    if (!buffers) return EFAULT;
    const start = file.append ? contents.size : (to ?? file.position);
    const wanted = sizeOf(buffers);
    const length = Math.min(wanted, contents.size + quota.room - start);
    if (length <= 0 && wanted > 0) return ENOSPC;
    const before = contents.size;
    let at = start;
    for (const buffer of buffers) {
      const part = memory.part(buffer).subarray(0, start + length - at);
      contents.write(at, part);
      at += part.length;
    }
    quota.grow(contents.size - before);
    if (to === undefined) file.position = at;
    memory.view.setUint32(result >>> 0, at - start, true);
    return SUCCESS;
  }

  function resize(contents: Contents, size: number): number {
    if (size - contents.size > quota.room) return ENOSPC;
    quota.grow(size - contents.size);
    contents.resize(size);
    return SUCCESS;
  }

  function storePosition(position: number, result: number): number {
    if (!memory.inside(result, 8)) return EFAULT;
    memory.view.setBigUint64(result >>> 0, BigInt(position), true);
    return SUCCESS;
  }

  const functions = {
    fd_read: (file, contents, ...args) => read(file, contents, undefined, args),
    fd_write: (file, contents, ...args) => write(file, contents, undefined, args),
    fd_pread: (file, contents, iovs, count, offset, result) =>
      read(file, contents, unsigned(offset), [iovs, count, result]),
    fd_pwrite: (file, contents, iovs, count, offset, result) =>
      write(file, contents, unsigned(offset), [iovs, count, result]),
    fd_tell: (file, _contents, result) => storePosition(file.position, Number(result)),
    fd_seek(file, contents, offset, whence, result) {
      const from = new Map([
        [WHENCE_SET, 0],
        [WHENCE_CURRENT, file.position],
        [WHENCE_END, contents.size],
      ]).get(Number(whence));
      if (from === undefined) return EINVAL;
      const position = from + Number(BigInt.asIntN(64, BigInt(offset ?? 0)));
      if (position < 0 || position > Number.MAX_SAFE_INTEGER) return EINVAL;
      const errno = storePosition(position, Number(result));
      if (errno === SUCCESS) file.position = position;
      return errno;
    },
    fd_allocate: (file, contents, offset, length) =>
      (file.rights & RIGHT_WRITE) === 0n
        ? EPERM
        : resize(contents, Math.max(contents.size, unsigned(offset) + unsigned(length))),
    fd_filestat_set_size: (file, contents, size) =>
      (file.rights & RIGHT_WRITE) === 0n ? EPERM : resize(contents, unsigned(size)),
    // All contents are in memory already.
    fd_sync: () => SUCCESS,
    fd_datasync: () => SUCCESS,
  } as const satisfies Record<string, IoFunction>;

  return Object.fromEntries(
    Object.entries<IoFunction>(functions).map(([name, call]) => [
      name,
      (file: OpenFile, ...args: WasiValue[]) =>
        file.entry.contents ? call(file, file.entry.contents, ...args) : EISDIR,
    ]),
  ) as Readonly<Record<keyof typeof functions, (file: OpenFile, ...args: WasiValue[]) => number>>;
}
