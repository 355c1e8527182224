// SPDX-License-Identifier: MIT
// One call of the library: the guest's pointers and lengths are not passed on. Inputs are
// copied from its memory, outputs are copied back.

import {
  type Argument,
  areTimes,
  FILE_FUNCTIONS,
  type FileFunction,
  type WasiValue,
} from './file-functions.ts';
import type { OpenFile, OpenFiles } from './open-files.ts';
import { EBADF, EFAULT, EINVAL, ENAMETOOLONG } from './wasi-errno.ts';
import type { WasiLibrary } from './wasi-library.ts';
import type { GuestBuffer, WasiMemory } from './wasi-memory.ts';
import { MAX_PATH, namesOf, pathOf } from './wasi-paths.ts';

// Places in the memory of the stand-in.
export const RESULT = 64;
const PATH = 1024;
const BUFFER = PATH + MAX_PATH;
const MAX_BUFFER = 4096;

/** A call with its arguments copied to where the library reads them. */
export interface LibraryCall {
  readonly given: readonly WasiValue[];
  /** The file of its descriptor. */
  readonly file: OpenFile;
  /** The names of its path, from there. */
  readonly names: readonly string[];
  /** Target of bytes from the library. */
  readonly filled: GuestBuffer | undefined;
  /** Place of its result in guest memory, and the result's length. */
  readonly result: GuestBuffer | undefined;
}

export class LibraryCalls {
  readonly #memory: WasiMemory;
  readonly #library: WasiLibrary;
  readonly #open: OpenFiles;

  constructor(memory: WasiMemory, library: WasiLibrary, open: OpenFiles) {
    this.#memory = memory;
    this.#library = library;
    this.#open = open;
  }

  /**
   * Copies what the library may read.
   * @returns an errno when something of it is not in memory, or too long.
   */
  prepare(name: FileFunction, args: readonly WasiValue[]): LibraryCall | number {
    const given: WasiValue[] = [];
    const file = this.#open.get(fdArgument(args));
    if (!file) return EBADF;
    let filled: GuestBuffer | undefined;
    let result: GuestBuffer | undefined;
    let names: readonly string[] = [];
    let at = 0;
    const next = () => Number(args[at++] ?? 0);
    for (const argument of FILE_FUNCTIONS[name] as readonly Argument[]) {
      if (argument === 'value' || argument === 'fstflags') {
        const value = args[at++] ?? 0;
        if (argument === 'fstflags' && !areTimes(Number(value))) return EINVAL;
        given.push(value);
      } else if (argument === 'fd') {
        at++;
        given.push(file.library);
      } else if (argument === 'path') {
        const [start, length] = [next(), next() >>> 0];
        if (length > MAX_PATH) return ENAMETOOLONG;
        if (!this.#memory.inside(start, length)) return EFAULT;
        const found = namesOf(this.#memory.read(start, length), file.entry.depth);
        if (typeof found === 'number') return found;
        names = found;
        const copied = pathOf(names);
        this.#library.memory.set(copied, PATH);
        given.push(PATH, copied.length);
      } else if (argument === 'buffer') {
        const [start, length] = [next() >>> 0, next() >>> 0];
        if (!this.#memory.inside(start, length)) return EFAULT;
        filled = { start, length: Math.min(length, MAX_BUFFER) };
        given.push(BUFFER, filled.length);
      } else {
        result = { start: next() >>> 0, length: argument };
        if (!this.#memory.inside(result.start, argument)) return EFAULT;
        given.push(RESULT);
      }
    }
    return { given, file, names, filled, result };
  }

  /** Copies what the library has stored to the guest. */
  copyBack({ filled, result }: LibraryCall): void {
    const { memory: bytes, view } = this.#library;
    if (result === undefined) return;
    if (filled) {
      const moved = Math.min(view.getUint32(RESULT, true), filled.length);
      this.#memory.write(filled.start, bytes.subarray(BUFFER, BUFFER + moved));
    }
    this.#memory.write(result.start, bytes.subarray(RESULT, RESULT + result.length));
  }
}

/** The descriptor of a function that has one: the first argument. */
export function fdArgument(args: readonly WasiValue[]): number {
  return Number(args[0] ?? 0) >>> 0;
}
