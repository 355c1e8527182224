// Files: the functions of WASI that a library serves out of memory, for guests that open
// some. The guest's pointers and lengths end here: what goes in is copied from its
// memory, what comes out is copied back, and what a machine may keep is counted.

import type { WasiFunction } from '../import-types.ts';
import { FileQuota } from './file-quota.ts';
import { EBADF, EFAULT, EMFILE, ENAMETOOLONG, ENOSPC, ENOTSUP, SUCCESS } from './wasi-errno.ts';
import type { WasiLibrary } from './wasi-library.ts';
import { type GuestBuffer, MAX_CALL_BYTES, sizeOf, type WasiMemory } from './wasi-memory.ts';
import { STAND_IN_BYTES } from './wasi-stand-in.ts';

type Value = number | bigint;

/**
 * What the arguments of a function are, in their order: a number as it is; a file
 * descriptor; a path (pointer and length); buffers whose bytes it takes, or fills (a
 * vector and its count); a buffer that it fills (pointer and length); or an address where
 * it stores so many bytes.
 */
type Argument = 'value' | 'fd' | 'path' | 'source' | 'target' | 'buffer' | number;

const FILE_FUNCTIONS = {
  fd_allocate: ['fd', 'value', 'value'],
  fd_close: ['fd'],
  fd_datasync: ['fd'],
  fd_fdstat_get: ['fd', 24],
  fd_fdstat_set_flags: ['fd', 'value'],
  fd_fdstat_set_rights: ['fd', 'value', 'value'],
  fd_filestat_get: ['fd', 64],
  fd_filestat_set_size: ['fd', 'value'],
  fd_filestat_set_times: ['fd', 'value', 'value', 'value'],
  fd_pread: ['fd', 'target', 'value', 4],
  fd_pwrite: ['fd', 'source', 'value', 4],
  fd_read: ['fd', 'target', 4],
  fd_readdir: ['fd', 'buffer', 'value', 4],
  fd_seek: ['fd', 'value', 'value', 8],
  fd_sync: ['fd'],
  fd_tell: ['fd', 8],
  fd_write: ['fd', 'source', 4],
  path_create_directory: ['fd', 'path'],
  path_filestat_get: ['fd', 'value', 'path', 64],
  path_filestat_set_times: ['fd', 'value', 'path', 'value', 'value', 'value'],
  path_open: ['fd', 'value', 'path', 'value', 'value', 'value', 'value', 4],
  path_readlink: ['fd', 'path', 'buffer', 4],
  path_remove_directory: ['fd', 'path'],
  path_rename: ['fd', 'path', 'fd', 'path'],
  path_symlink: ['path', 'fd', 'path'],
  path_unlink_file: ['fd', 'path'],
} as const satisfies Partial<Record<WasiFunction, readonly Argument[]>>;

type FileFunction = keyof typeof FILE_FUNCTIONS;

/**
 * What the library keeps for each opening of a file, and for each directory and link that
 * is made: until the end. Bytes.
 */
const OPENING_BYTES = 160;
const ENTRY_BYTES = 640;
const MAX_OPEN = 1024;
const MAX_PATH = 4096;

/** The one directory that the guest finds open. */
const ROOT = 3;
const ROOT_NAME = '/';
/** The library has a directory in front of it that it does not let anybody use. */
const LIBRARY_OFFSET = 1;

/** Of the arguments of path_open. */
const OFLAGS = 4;
const OFLAGS_TRUNC = 8;
const REGULAR_FILE = 4;
const FILESTAT_INODE = 8;
const FILESTAT_TYPE = 16;
/** Bits of fstflags: a time is given, or is that of now. */
const TIMES = [
  { given: 1, now: 2 },
  { given: 4, now: 8 },
] as const;

// Places in the memory of the stand-in.
const VECTOR = 0;
const RESULT = 64;
/** Results of the calls that are made here to know more of a file. */
const OWN_RESULT = 128;
const PATHS = 1024;

/** A call with its arguments copied to where the library reads them. */
interface Prepared {
  readonly given: readonly Value[];
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
  readonly #open = new Set<number>([ROOT]);
  readonly #quota = new FileQuota();

  constructor(memory: WasiMemory, library: WasiLibrary) {
    this.#memory = memory;
    this.#library = library;
  }

  isOpen(fd: number): boolean {
    return this.#open.has(fd >>> 0);
  }

  /** By name, for file descriptors that are not the console's. */
  get functions(): Readonly<Partial<Record<WasiFunction, (...args: Value[]) => number>>> {
    const served = Object.keys(FILE_FUNCTIONS).map((name) => [
      name,
      (...args: Value[]) => this.#call(name as FileFunction, args),
    ]);
    return {
      ...Object.fromEntries(served),
      fd_prestat_get: (fd, prestat) => this.#prestat(Number(fd), Number(prestat)),
      fd_prestat_dir_name: (fd, name, size) =>
        this.#prestatName(Number(fd), Number(name), Number(size)),
      fd_renumber: (fd, to) => this.#renumber(Number(fd) >>> 0, Number(to) >>> 0),
      // A file has one name.
      path_link: () => ENOTSUP,
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
    if (fd === to) return SUCCESS;
    const errno = this.#library.call('fd_renumber', fd + LIBRARY_OFFSET, to + LIBRARY_OFFSET);
    if (errno === SUCCESS) this.#open.delete(fd);
    return errno;
  }

  #call(name: FileFunction, args: readonly Value[]): number {
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
      case 'path_symlink':
        return this.#quota.keep(ENTRY_BYTES) ? this.#serve(name, call) : ENOSPC;
      case 'path_unlink_file':
        return this.#unlink(call);
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
  #inodeOf(libraryFd: Value | undefined): bigint | undefined {
    const errno = this.#library.call('fd_filestat_get', libraryFd ?? -1, OWN_RESULT);
    if (errno !== SUCCESS) return undefined;
    return this.#library.view.getBigUint64(OWN_RESULT + FILESTAT_INODE, true);
  }

  #close(call: Prepared): number {
    const errno = this.#serve('fd_close', call);
    if (errno === SUCCESS) this.#open.delete(Number(call.given[0]) - LIBRARY_OFFSET);
    return errno;
  }

  #openFile(call: Prepared): number {
    if (this.#open.size >= MAX_OPEN) return EMFILE;
    if (!this.#quota.keep(OPENING_BYTES)) return ENOSPC;
    const errno = this.#library.call('path_open', ...call.given);
    if (errno !== SUCCESS) return errno;
    const { view } = this.#library;
    const opened = view.getUint32(RESULT, true);
    const inode = Number(call.given[OFLAGS]) & OFLAGS_TRUNC ? this.#inodeOf(opened) : undefined;
    if (inode !== undefined) this.#quota.setSize(inode, 0);
    const fd = opened - LIBRARY_OFFSET;
    this.#open.add(fd);
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
    const errno = this.#serve(name, call);
    if (errno === SUCCESS) this.#quota.setSize(inode, size);
    return errno;
  }

  #unlink(call: Prepared): number {
    const inode = this.#fileAt(call.given);
    const errno = this.#serve('path_unlink_file', call);
    if (errno !== SUCCESS || inode === undefined) return errno;
    this.#quota.setSize(inode, 0);
    // For the look at it. Where there is no room for that either, the file has paid as much when it was made.
    this.#quota.keep(OPENING_BYTES);
    return errno;
  }

  /** The inode of the regular file that a path leads to; undefined for anything else, which has no bytes. */
  #fileAt([directory = 0, path = 0, length = 0]: readonly Value[]): bigint | undefined {
    const library = this.#library;
    const { view } = library;
    const stat = library.call('path_filestat_get', directory, 0, path, length, OWN_RESULT);
    if (stat !== SUCCESS || view.getUint8(OWN_RESULT + FILESTAT_TYPE) !== REGULAR_FILE)
      return undefined;
    if (library.call('path_open', directory, 0, path, length, 0, 0n, 0n, 0, OWN_RESULT) !== SUCCESS)
      return undefined;
    const fd = view.getUint32(OWN_RESULT, true);
    const inode = this.#inodeOf(fd);
    library.call('fd_close', fd);
    return inode;
  }

  /** Copies what the library may read. @returns an errno when something of it is not in memory, or too long. */
  #prepare(name: FileFunction, args: readonly Value[]): Prepared | number {
    const { memory: bytes, view } = this.#library;
    const given: Value[] = [];
    let offered = 0;
    let filled: readonly GuestBuffer[] = [];
    let result: GuestBuffer | undefined;
    let paths = PATHS;
    let at = 0;
    const next = () => Number(args[at++] ?? 0);
    for (const argument of FILE_FUNCTIONS[name] as readonly Argument[]) {
      if (argument === 'value') {
        given.push(args[at++] ?? 0);
      } else if (argument === 'fd') {
        const fd = next() >>> 0;
        if (!this.#open.has(fd)) return EBADF;
        given.push(fd + LIBRARY_OFFSET);
      } else if (argument === 'path') {
        const [start, length] = [next(), next() >>> 0];
        if (length > MAX_PATH) return ENAMETOOLONG;
        if (!this.#memory.inside(start, length)) return EFAULT;
        bytes.set(this.#memory.read(start, length), paths);
        given.push(paths, length);
        paths += MAX_PATH;
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
    return { given, offered, filled, result };
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
