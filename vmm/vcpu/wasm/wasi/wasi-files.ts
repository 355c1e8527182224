// SPDX-License-Identifier: MIT
// Files: the functions of WASI that a library serves out of memory, for guests that open
// some. The guest's pointers and lengths end here: what goes in is copied from its
// memory, what comes out is copied back, and what a machine may keep is counted.

import type { WasiFunction } from '../import-types.ts';
import {
  type Argument,
  CHECKS,
  FILE_FUNCTIONS,
  type FileFunction,
  isChecked,
  TIMES,
  type WasiValue,
} from './file-functions.ts';
import { FileQuota } from './file-quota.ts';
import { OpenFiles, ROOT } from './open-files.ts';
import {
  EBADF,
  EBUSY,
  EFAULT,
  EFBIG,
  EINVAL,
  EMFILE,
  ENAMETOOLONG,
  ENOENT,
  ENOSPC,
  ENOTSUP,
  SUCCESS,
} from './wasi-errno.ts';
import type { WasiLibrary } from './wasi-library.ts';
import { type GuestBuffer, MAX_CALL_BYTES, sizeOf, type WasiMemory } from './wasi-memory.ts';
import { MAX_PATH, namesOf, pathOf } from './wasi-paths.ts';
import { STAND_IN_BYTES } from './wasi-stand-in.ts';

/**
 * What the library keeps for each opening of a file, and for each directory and link that
 * is made: until the end. Bytes.
 */
const OPENING_BYTES = 160;
const ENTRY_BYTES = 640;
const ROOT_NAME = '/';
/** The library has a directory in front of it that it does not let anybody use. */
const LIBRARY_OFFSET = 1;

/** Of the arguments of path_open. */
const OFLAGS = 4;
const OFLAGS_CREAT = 1;
const OFLAGS_TRUNC = 8;
const FILESTAT_INODE = 8;
// Places in the memory of the stand-in.
const VECTOR = 0;
const RESULT = 64;
/** Results of the calls that are made here to know more of a file. */
const OWN_RESULT = 128;
const PATHS = 1024;
const OWN_PATH = PATHS + MAX_PATH;

interface GuestPath {
  /** The library's number of the directory that it starts at, and how deep that lies. */
  readonly directory: number;
  readonly depth: number;
  readonly names: readonly string[];
}

/** A call with its arguments copied to where the library reads them. */
interface Prepared {
  readonly given: readonly WasiValue[];
  /** What its path leads to, and from where. */
  readonly path: GuestPath | undefined;
  /** Bytes that the library may take. */
  readonly offered: number;
  /** Where bytes go that the library gives. */
  readonly filled: readonly GuestBuffer[];
  /** Where in guest memory its result goes, and how long that is. */
  readonly result: GuestBuffer | undefined;
}

/** The file system of a machine. */
export class WasiFiles {
  readonly #memory: WasiMemory;
  readonly #library: WasiLibrary;
  readonly #open = new OpenFiles();
  readonly #quota = new FileQuota();

  constructor(memory: WasiMemory, library: WasiLibrary) {
    this.#memory = memory;
    this.#library = library;
  }

  dispose(): void {
    this.#library.dispose(this.#quota.kept);
  }

  isOpen(fd: number): boolean {
    return this.#open.has(fd >>> 0);
  }

  /** By name, for file descriptors that are not the console's. */
  get functions(): Readonly<Partial<Record<WasiFunction, (...args: WasiValue[]) => number>>> {
    const served = Object.keys(FILE_FUNCTIONS).map((name) => [
      name,
      (...args: WasiValue[]) => this.#call(name as FileFunction, args),
    ]);
    return {
      ...Object.fromEntries(served),
      fd_prestat_get: (fd, prestat) => this.#prestat(Number(fd), Number(prestat)),
      fd_prestat_dir_name: (fd, name, size) =>
        this.#prestatName(Number(fd), Number(name), Number(size)),
      fd_renumber: (fd, to) => this.#renumber(Number(fd) >>> 0, Number(to) >>> 0),
      // A file has the name that it was made with; the library traps at a link that leads somewhere.
      path_link: () => ENOTSUP,
      path_rename: () => ENOTSUP,
      path_symlink: () => ENOTSUP,
    };
  }

  #prestat(fd: number, prestat: number): number {
    if (fd !== ROOT || !this.isOpen(fd)) return EBADF;
    if (!this.#memory.inside(prestat, 8)) return EFAULT;
    this.#memory.view.setUint32(prestat >>> 0, 0, true);
    this.#memory.view.setUint32((prestat >>> 0) + 4, ROOT_NAME.length, true);
    return SUCCESS;
  }

  #prestatName(fd: number, name: number, size: number): number {
    if (fd !== ROOT || !this.isOpen(fd)) return EBADF;
    if (size >>> 0 < ROOT_NAME.length) return ENAMETOOLONG;
    if (!this.#memory.inside(name, ROOT_NAME.length)) return EFAULT;
    this.#memory.write(name, new TextEncoder().encode(ROOT_NAME));
    return SUCCESS;
  }

  #renumber(fd: number, to: number): number {
    if (!(this.#open.has(fd) && this.#open.has(to))) return EBADF;
    if (fd === ROOT || to === ROOT) return ENOTSUP;
    if (fd === to) return SUCCESS;
    const errno = this.#library.call('fd_renumber', fd + LIBRARY_OFFSET, to + LIBRARY_OFFSET);
    if (errno === SUCCESS) this.#open.move(fd, to);
    return errno;
  }

  #call(name: FileFunction, args: readonly WasiValue[]): number {
    const call = this.#prepare(name, args);
    if (typeof call === 'number') return call;
    switch (name) {
      case 'fd_close':
        return this.#close(call);
      case 'fd_write':
      case 'fd_pwrite':
        return this.#write(name, call);
      case 'fd_allocate':
      case 'fd_filestat_set_size':
        return this.#resize(name, call);
      case 'fd_filestat_set_times':
      case 'path_filestat_set_times':
        return this.#serve(name, withTimesOfNow(call));
      case 'path_open':
        return this.#openFile(call);
      case 'path_create_directory':
        return this.#createDirectory(call);
      case 'path_remove_directory':
      case 'path_unlink_file':
        return this.#remove(name, call);
      default:
        return this.#serve(name, call);
    }
  }

  /** The call, and what comes of it. */
  #serve(name: FileFunction, call: Prepared): number {
    const errno = this.#library.call(name, ...call.given);
    if (errno === SUCCESS) this.#copyBack(call);
    return errno;
  }

  /** The inode of an open file; undefined when the library does not say. */
  #inodeOf(libraryFd: WasiValue | undefined): bigint | undefined {
    const errno = this.#library.call('fd_filestat_get', libraryFd ?? -1, OWN_RESULT);
    if (errno !== SUCCESS) return undefined;
    return this.#library.view.getBigUint64(OWN_RESULT + FILESTAT_INODE, true);
  }

  #close(call: Prepared): number {
    const errno = this.#serve('fd_close', call);
    if (errno === SUCCESS) this.#open.delete(Number(call.given[0]) - LIBRARY_OFFSET);
    return errno;
  }

  #createDirectory(call: Prepared): number {
    const { path } = call;
    // The library makes what is missing on the way, too.
    if (path && path.names.length > 1 && !this.#exists(call, path.names.slice(0, -1)))
      return ENOENT;
    if (this.#quota.full || !this.#quota.keep(ENTRY_BYTES)) return ENOSPC;
    const errno = this.#serve('path_create_directory', call);
    if (errno === SUCCESS) this.#quota.addEntry();
    return errno;
  }

  #openFile(call: Prepared): number {
    if (this.#open.full) return EMFILE;
    const flags = Number(call.given[OFLAGS]);
    const { names = [], depth = 0 } = call.path ?? {};
    const isNew = (flags & OFLAGS_CREAT) !== 0 && !this.#exists(call, names);
    if ((isNew && this.#quota.full) || !this.#quota.keep(OPENING_BYTES)) return ENOSPC;
    const errno = this.#library.call('path_open', ...call.given);
    if (errno !== SUCCESS) return errno;
    const { view } = this.#library;
    const opened = view.getUint32(RESULT, true);
    const inode = this.#inodeOf(opened);
    if (isNew) this.#quota.addEntry();
    if (flags & OFLAGS_TRUNC && inode !== undefined) this.#quota.setSize(inode, 0);
    const fd = opened - LIBRARY_OFFSET;
    this.#open.add(fd, { inode, depth: depth + names.length });
    view.setUint32(RESULT, fd, true);
    this.#copyBack(call);
    return SUCCESS;
  }

  /** Wherever it writes, the library makes the file longer by what it writes. */
  #write(name: FileFunction, call: Prepared): number {
    const inode = this.#inodeOf(call.given[0]);
    const errno = this.#serve(name, call);
    if (errno !== SUCCESS || inode === undefined) return errno;
    const written = Math.min(this.#library.view.getUint32(RESULT, true), call.offered);
    this.#quota.setSize(inode, this.#quota.sizeOf(inode) + written);
    return SUCCESS;
  }

  #resize(name: 'fd_allocate' | 'fd_filestat_set_size', call: Prepared): number {
    const inode = this.#inodeOf(call.given[0]);
    if (inode === undefined) return this.#serve(name, call);
    const before = this.#quota.sizeOf(inode);
    const [, first = 0, second = 0] = call.given.map((value) =>
      Number(BigInt.asUintN(64, BigInt(value))),
    );
    const size = name === 'fd_allocate' ? Math.max(before, first + second) : first;
    if (size - before > this.#quota.room) return ENOSPC;
    // The library takes some 10 ms for each MiB, and serves no other machine meanwhile.
    if (size - before > MAX_CALL_BYTES) return EFBIG;
    const errno = this.#serve(name, call);
    if (errno === SUCCESS) this.#quota.setSize(inode, size);
    return errno;
  }

  #remove(name: 'path_remove_directory' | 'path_unlink_file', call: Prepared): number {
    const { names = [] } = call.path ?? {};
    const inode = this.#inodeAt(call, names);
    // The library looks for what is open, and traps when it is gone.
    if (inode !== undefined && this.#open.hasInode(inode)) return EBUSY;
    const errno = this.#serve(name, call);
    if (errno !== SUCCESS) return errno;
    this.#quota.removeEntry();
    if (inode !== undefined) this.#quota.setSize(inode, 0);
    return errno;
  }

  /** Whether there is something that the names lead to, from the directory of a call. */
  #exists(call: Prepared, names: readonly string[]): boolean {
    return this.#callAt('path_filestat_get', call, names, OWN_RESULT) === SUCCESS;
  }

  /** A call about what names lead to. */
  #callAt(
    name: FileFunction,
    { path }: Prepared,
    names: readonly string[],
    ...rest: readonly WasiValue[]
  ): number {
    const bytes = pathOf(names);
    this.#library.memory.set(bytes, OWN_PATH);
    return this.#library.call(name, path?.directory ?? -1, 0, OWN_PATH, bytes.length, ...rest);
  }

  /** The inode of what names lead to; undefined when there is nothing. */
  #inodeAt(call: Prepared, names: readonly string[]): bigint | undefined {
    const library = this.#library;
    // The library tells it of what is open only.
    const errno = this.#callAt('path_open', call, names, 0, 0n, 0n, 0, OWN_RESULT);
    if (errno !== SUCCESS) return undefined;
    // Where there is no room for that either, it has paid as much when it was made.
    this.#quota.keep(OPENING_BYTES);
    const fd = library.view.getUint32(OWN_RESULT, true);
    const inode = this.#inodeOf(fd);
    library.call('fd_close', fd);
    return inode;
  }

  /** Copies what the library may read. @returns an errno when something of it is not in memory, or too long. */
  #prepare(name: FileFunction, args: readonly WasiValue[]): Prepared | number {
    const { memory: bytes, view } = this.#library;
    const given: WasiValue[] = [];
    let offered = 0;
    let filled: readonly GuestBuffer[] = [];
    let result: GuestBuffer | undefined;
    let path: GuestPath | undefined;
    let directory = { fd: 0, depth: 0 };
    let at = 0;
    const next = () => Number(args[at++] ?? 0);
    for (const argument of FILE_FUNCTIONS[name] as readonly Argument[]) {
      if (argument === 'value' || isChecked(argument)) {
        const value = args[at++] ?? 0;
        if (argument !== 'value' && !CHECKS[argument](value)) return EINVAL;
        given.push(value);
      } else if (argument === 'fd') {
        const fd = next() >>> 0;
        const open = this.#open.get(fd);
        if (!open) return EBADF;
        directory = { fd: fd + LIBRARY_OFFSET, depth: open.depth };
        given.push(directory.fd);
      } else if (argument === 'path') {
        const [start, length] = [next(), next() >>> 0];
        if (length > MAX_PATH) return ENAMETOOLONG;
        if (!this.#memory.inside(start, length)) return EFAULT;
        const names = namesOf(this.#memory.read(start, length), directory.depth);
        if (typeof names === 'number') return names;
        path = { directory: directory.fd, depth: directory.depth, names };
        const copied = pathOf(names);
        bytes.set(copied, PATHS);
        given.push(PATHS, copied.length);
      } else if (argument === 'buffer') {
        const [start, length] = [next() >>> 0, next() >>> 0];
        if (!this.#memory.inside(start, length)) return EFAULT;
        filled = [{ start, length: Math.min(length, MAX_CALL_BYTES) }];
        given.push(STAND_IN_BYTES, sizeOf(filled));
      } else if (argument === 'source' || argument === 'target') {
        const buffers = this.#memory.buffers(next(), next());
        if (!buffers) return EFAULT;
        const size = sizeOf(buffers);
        if (argument === 'target') {
          filled = buffers;
          offered = size;
        } else {
          const source = this.#memory.gather(buffers, this.#quota.room);
          offered = source.length;
          if (offered === 0 && size > 0) return ENOSPC;
          bytes.set(source, STAND_IN_BYTES);
        }
        view.setUint32(VECTOR, STAND_IN_BYTES, true);
        view.setUint32(VECTOR + 4, offered, true);
        given.push(VECTOR, 1);
      } else {
        result = { start: next() >>> 0, length: argument };
        if (!this.#memory.inside(result.start, argument)) return EFAULT;
        given.push(RESULT);
      }
    }
    return { given, path, offered, filled, result };
  }

  #copyBack({ filled, result }: Prepared): void {
    const { memory: bytes, view } = this.#library;
    if (result === undefined) return;
    if (filled.length > 0) {
      const moved = Math.min(view.getUint32(RESULT, true), sizeOf(filled));
      this.#memory.scatter(filled, bytes.subarray(STAND_IN_BYTES, STAND_IN_BYTES + moved));
    }
    this.#memory.write(result.start, bytes.subarray(RESULT, RESULT + result.length));
  }
}

/** The library has no clock: it traps when it is to take the time of now. */
function withTimesOfNow(call: Prepared): Prepared {
  const given = [...call.given];
  const flags = given.length - 1;
  for (const [i, { given: isGiven, now }] of TIMES.entries()) {
    const set = Number(given[flags]);
    if ((set & now) === 0) continue;
    given[flags] = (set & ~now) | isGiven;
    given[flags - TIMES.length + i] = BigInt(Date.now()) * 1_000_000n;
  }
  return { ...call, given };
}
