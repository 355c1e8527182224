// SPDX-License-Identifier: MIT
// The files and directories that a guest has open.

import type { TreeEntry } from './file-tree.ts';

/** The file of a descriptor. */
export interface OpenFile {
  readonly entry: TreeEntry;
  /** The library's descriptor. */
  readonly library: number;
  /** The operations for which it was opened. */
  rights: bigint;
  /** It writes at the end, regardless of its position. */
  append: boolean;
  /** Position of the next byte to read or write. */
  position: number;
}

const MAX_OPEN = 1024;

/** The one directory that is open when the guest starts. */
export const ROOT = 3;

export class OpenFiles {
  readonly #files = new Map<number, OpenFile>();

  get full(): boolean {
    return this.#files.size >= MAX_OPEN;
  }

  get(fd: number): OpenFile | undefined {
    return this.#files.get(fd);
  }

  has(fd: number): boolean {
    return this.#files.has(fd);
  }

  /** @returns the lowest free descriptor. */
  add(file: OpenFile): number {
    let fd = ROOT;
    while (this.#files.has(fd)) fd++;
    this.#files.set(fd, file);
    file.entry.openings++;
    return fd;
  }

  /** Moves the file of a descriptor to another one, whose file is closed. */
  move(fd: number, to: number): void {
    const file = this.#files.get(fd);
    this.#files.delete(fd);
    if (file) this.#files.set(to, file);
  }

  /** @returns its file. */
  delete(fd: number): OpenFile | undefined {
    const file = this.#files.get(fd);
    this.#files.delete(fd);
    if (file) file.entry.openings--;
    return file;
  }
}
