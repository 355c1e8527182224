// SPDX-License-Identifier: MIT
// The files and directories that a guest has open.

import type { TreeEntry } from './file-tree.ts';

/** What a descriptor stands for. */
export interface OpenFile {
  readonly entry: TreeEntry;
  /** The library's descriptor. */
  readonly library: number;
  /** What it was opened for. */
  rights: bigint;
  /** Whatever its position, it writes to the end. */
  append: boolean;
  /** Of the next byte that is read or written. */
  position: number;
}

const MAX_OPEN = 1024;

/** The one directory that the guest finds open. */
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

  /** @returns the lowest descriptor that is free. */
  add(file: OpenFile): number {
    let fd = ROOT;
    while (this.#files.has(fd)) fd++;
    this.#files.set(fd, file);
    file.entry.openings++;
    return fd;
  }

  /** What one descriptor stood for is what another one stands for, which is closed. */
  move(fd: number, to: number): void {
    const file = this.#files.get(fd);
    this.#files.delete(fd);
    if (file) this.#files.set(to, file);
  }

  /** @returns what it stood for. */
  delete(fd: number): OpenFile | undefined {
    const file = this.#files.get(fd);
    this.#files.delete(fd);
    if (file) file.entry.openings--;
    return file;
  }
}
