// SPDX-License-Identifier: MIT
// Files: the functions of WASI for guests that open some. A library manages their names,
// rights and times, and decides about each operation. Contents and lists of directories
// are stored here, in the same tree: the library's implementations take time that grows
// with the file and the directory, and every other machine of the thread would wait.

import type { WasiFunction } from '../import-types.ts';
import { FileContents, PagePool } from './file-contents.ts';
import {
  FILE_FUNCTIONS,
  type FileFunction,
  type WasiValue,
  withTimesOfNow,
} from './file-functions.ts';
import { ioFunctions } from './file-io.ts';
import { listing } from './file-listing.ts';
import { FileQuota } from './file-quota.ts';
import { TreeEntry } from './file-tree.ts';
import { fdArgument, type LibraryCall, LibraryCalls, RESULT } from './library-call.ts';
import { type OpenFile, OpenFiles, ROOT } from './open-files.ts';
import {
  EBADF,
  EBUSY,
  EEXIST,
  EFAULT,
  EINVAL,
  EIO,
  EISDIR,
  EMFILE,
  ENAMETOOLONG,
  ENOENT,
  ENOSPC,
  ENOTDIR,
  ENOTEMPTY,
  ENOTSUP,
  SUCCESS,
} from './wasi-errno.ts';
import type { WasiLibrary } from './wasi-library.ts';
import type { WasiMemory } from './wasi-memory.ts';
import { encode } from './wasi-paths.ts';

const ROOT_NAME = '/';
/** The library's descriptor of it, after one that it lets nobody use. */
const LIBRARY_ROOT = ROOT + 1;
/**
 * The library's table of descriptors keeps those of closed files, and grows; one that is
 * moved to this number is replaced.
 */
const DISCARDED = 0x7fffffff;
const ALL_RIGHTS = 0x1fffffffn;

/** Indexes of arguments of path_open. */
const [OFLAGS, RIGHTS, FDFLAGS] = [4, 5, 7];
const [OFLAGS_CREAT, OFLAGS_DIRECTORY, OFLAGS_TRUNC] = [1, 2, 8];
const FDFLAGS_APPEND = 1;
const FDSTAT_RIGHTS = 8;
const [FILESTAT_INODE, FILESTAT_SIZE] = [8, 32];

/** The file system of a machine. */
export class WasiFiles {
  readonly #memory: WasiMemory;
  readonly #library: WasiLibrary;
  readonly #calls: LibraryCalls;
  readonly #open = new OpenFiles();
  readonly #quota = new FileQuota();
  readonly #pool = new PagePool();
  readonly #root = new TreeEntry(undefined, undefined);
  #lastInode = this.#root.inode;

  constructor(memory: WasiMemory, library: WasiLibrary) {
    this.#memory = memory;
    this.#library = library;
    this.#calls = new LibraryCalls(memory, library, this.#open);
    const [rights, append, position] = [ALL_RIGHTS, false, 0];
    this.#open.add({ entry: this.#root, library: LIBRARY_ROOT, rights, append, position });
  }

  dispose(): void {
    this.#library.dispose();
  }

  isOpen(fd: number): boolean {
    return this.#open.has(fd >>> 0);
  }

  /** By name, for file descriptors other than the console's. */
  get functions(): Readonly<Partial<Record<WasiFunction, (...args: WasiValue[]) => number>>> {
    const served = Object.keys(FILE_FUNCTIONS).map((name) => [
      name,
      (...args: WasiValue[]) => this.#call(name as FileFunction, args),
    ]);
    const io = Object.entries(ioFunctions(this.#memory, this.#quota)).map(([name, call]) => [
      name,
      (...args: WasiValue[]) => this.#withFile(args, call),
    ]);
    return {
      ...Object.fromEntries([...served, ...io]),
      fd_close: (...args) => this.#withFile(args, () => this.#close(fdArgument(args))),
      fd_readdir: (...args) => this.#withFile(args, (file, ...rest) => this.#list(file, rest)),
      fd_prestat_get: (fd, prestat) => this.#prestat(Number(fd), Number(prestat)),
      fd_prestat_dir_name: (fd, name, size) =>
        this.#prestatName(Number(fd), Number(name), Number(size)),
      fd_renumber: (fd, to) => this.#renumber(Number(fd) >>> 0, Number(to) >>> 0),
      // A file keeps the name with which it was created; the library traps at a link that
      // leads somewhere.
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
    this.#memory.write(name, encode(ROOT_NAME));
    return SUCCESS;
  }

  #renumber(fd: number, to: number): number {
    if (this.#library.isLost) return EIO;
    if (!(this.#open.has(fd) && this.#open.has(to))) return EBADF;
    if (fd === ROOT || to === ROOT) return ENOTSUP;
    if (fd === to) return SUCCESS;
    const errno = this.#close(to);
    this.#open.move(fd, to);
    return errno;
  }

  #withFile(
    args: readonly WasiValue[],
    call: (file: OpenFile, ...rest: WasiValue[]) => number,
  ): number {
    if (this.#library.isLost) return EIO;
    const file = this.#open.get(fdArgument(args));
    return file ? call(file, ...args.slice(1)) : EBADF;
  }

  #call(name: FileFunction, args: readonly WasiValue[]): number {
    const call = this.#calls.prepare(name, args);
    if (typeof call === 'number') return call;
    if (this.#library.isLost) return EIO;
    switch (name) {
      case 'fd_fdstat_get':
        return this.#serve(name, call, () => this.#amendFdstat(call.file));
      case 'fd_fdstat_set_flags':
        return this.#setFlags(call);
      case 'fd_fdstat_set_rights':
        return this.#setRights(call);
      case 'fd_filestat_get':
      case 'path_filestat_get':
        return this.#serve(name, call, () => this.#amendFilestat(call));
      case 'fd_filestat_set_times':
      case 'path_filestat_set_times':
        return this.#serve(name, { ...call, given: withTimesOfNow(call.given) });
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

  /**
   * Executes the call and handles its result.
   * @param amend changes what the library has stored.
   */
  #serve(name: FileFunction, call: LibraryCall, amend: () => void = () => undefined): number {
    const errno = this.#library.call(name, ...call.given);
    if (errno !== SUCCESS) return errno;
    amend();
    this.#calls.copyBack(call);
    return SUCCESS;
  }

  /** The library reports every file as opened for everything. */
  #amendFdstat({ entry, rights }: OpenFile): void {
    if (!entry.isDirectory) this.#library.view.setBigUint64(RESULT + FDSTAT_RIGHTS, rights, true);
  }

  #amendFilestat({ file, names }: LibraryCall): void {
    const entry = file.entry.find(names);
    if (!entry) return;
    const { view } = this.#library;
    view.setBigUint64(RESULT + FILESTAT_INODE, BigInt(entry.inode), true);
    view.setBigUint64(RESULT + FILESTAT_SIZE, BigInt(entry.contents?.size ?? 0), true);
  }

  #setFlags(call: LibraryCall): number {
    const errno = this.#serve('fd_fdstat_set_flags', call);
    const [, flags] = call.given;
    if (errno === SUCCESS) call.file.append = (Number(flags) & FDFLAGS_APPEND) !== 0;
    return errno;
  }

  #setRights(call: LibraryCall): number {
    const errno = this.#serve('fd_fdstat_set_rights', call);
    const [, rights = 0n] = call.given;
    if (errno === SUCCESS) call.file.rights &= BigInt(rights);
    return errno;
  }

  #close(fd: number): number {
    const file = this.#open.delete(fd);
    if (!file) return EBADF;
    return fd === ROOT ? SUCCESS : this.#release(file.library, file.entry.isDirectory);
  }

  /** Closes a descriptor of the library. */
  #release(library: number, isDirectory: boolean): number {
    const errno = this.#library.call('fd_close', library);
    if (!isDirectory) this.#library.call('fd_renumber', library, DISCARDED);
    return errno;
  }

  #list({ entry }: OpenFile, args: readonly WasiValue[]): number {
    if (!entry.isDirectory) return ENOTDIR;
    const [buffer = 0, length = 0, cookie = 0, used = 0] = args;
    const [start, room, result] = [Number(buffer), Number(length) >>> 0, Number(used)];
    if (!(this.#memory.inside(start, room) && this.#memory.inside(result, 4))) return EFAULT;
    const listed = listing(entry, Number(BigInt.asUintN(64, BigInt(cookie))), room);
    this.#memory.write(start, listed);
    this.#memory.view.setUint32(result >>> 0, listed.length, true);
    return SUCCESS;
  }

  /**
   * The directory that contains a new file or directory with this path; an errno when
   * there is none.
   */
  #parentOf({ file, names }: LibraryCall): TreeEntry | number {
    const parent = file.entry.find(names.slice(0, -1));
    if (!parent) return ENOENT;
    return parent.isDirectory ? parent : ENOTDIR;
  }

  #add(parent: TreeEntry, name: string, contents: FileContents | undefined): TreeEntry {
    this.#quota.addEntry(contents ? 'file' : 'directory');
    return new TreeEntry({ parent, name, inode: ++this.#lastInode }, contents);
  }

  #createDirectory(call: LibraryCall): number {
    const { file, names } = call;
    const name = names.at(-1);
    if (name === undefined || file.entry.find(names)) return EEXIST;
    // The library would also create missing directories on the path.
    const parent = this.#parentOf(call);
    if (typeof parent === 'number') return parent;
    if (!this.#quota.allows('directory')) return ENOSPC;
    const errno = this.#serve('path_create_directory', call);
    if (errno === SUCCESS) this.#add(parent, name, undefined);
    return errno;
  }

  #openFile(call: LibraryCall): number {
    const { given, file: from, names } = call;
    if (this.#open.full) return EMFILE;
    const flags = Number(given[OFLAGS]);
    const name = names.at(-1);
    let entry = from.entry.find(names);
    if (!entry && flags & OFLAGS_CREAT && name !== undefined) {
      if (flags & OFLAGS_DIRECTORY) return EINVAL;
      const parent = this.#parentOf(call);
      if (typeof parent === 'number') return parent;
      if (!this.#quota.allows('file')) return ENOSPC;
      const errno = this.#library.call('path_open', ...given);
      if (errno !== SUCCESS) return errno;
      entry = this.#add(parent, name, new FileContents(this.#pool));
    } else {
      const errno = this.#library.call('path_open', ...given);
      if (errno !== SUCCESS) return errno;
    }
    const { view } = this.#library;
    const library = view.getUint32(RESULT, true);
    if (!entry) {
      // A file that was not created here does not exist.
      this.#release(library, false);
      return ENOENT;
    }
    if (flags & OFLAGS_TRUNC) this.#truncate(entry);
    const rights = BigInt.asUintN(64, BigInt(given[RIGHTS] ?? 0n)) & ALL_RIGHTS;
    const append = (Number(given[FDFLAGS]) & FDFLAGS_APPEND) !== 0;
    view.setUint32(RESULT, this.#open.add({ entry, library, rights, append, position: 0 }), true);
    this.#calls.copyBack(call);
    return SUCCESS;
  }

  #truncate({ contents }: TreeEntry): void {
    if (!contents) return;
    this.#quota.grow(-contents.size);
    contents.resize(0);
  }

  #remove(name: 'path_remove_directory' | 'path_unlink_file', call: LibraryCall): number {
    const { file, names } = call;
    const entry = file.entry.find(names);
    if (!entry) return ENOENT;
    if (!entry.parent || names.length === 0) return EINVAL;
    if (name === 'path_unlink_file' && entry.isDirectory) return EISDIR;
    if (name === 'path_remove_directory' && !entry.isDirectory) return ENOTDIR;
    if (!entry.isEmpty) return ENOTEMPTY;
    // The library looks up open files, and traps when one is gone.
    if (entry.openings > 0) return EBUSY;
    const errno = this.#serve(name, call);
    if (errno !== SUCCESS) return errno;
    this.#truncate(entry);
    this.#quota.removeEntry();
    entry.remove();
    return SUCCESS;
  }
}
