// SPDX-License-Identifier: MIT
// The files and directories that a guest has open.

/** What a descriptor stands for. */
export interface OpenFile {
  /** Undefined when the library does not say. */
  readonly inode: bigint | undefined;
  /** Directories that it lies in. */
  readonly depth: number;
}

const MAX_OPEN = 1024;

/** The one directory that the guest finds open. */
export const ROOT = 3;

export class OpenFiles {
  readonly #files = new Map<number, OpenFile>([[ROOT, { inode: undefined, depth: 0 }]]);

  get full(): boolean {
    return this.#files.size >= MAX_OPEN;
  }

  get(fd: number): OpenFile | undefined {
    return this.#files.get(fd);
  }

  has(fd: number): boolean {
    return this.#files.has(fd);
  }

  hasInode(inode: bigint): boolean {
    for (const file of this.#files.values()) if (file.inode === inode) return true;
    return false;
  }

  add(fd: number, file: OpenFile): void {
    this.#files.set(fd, file);
  }

  /** What one descriptor stood for is what another one stands for. Both are open. */
  move(fd: number, to: number): void {
    const file = this.#files.get(fd);
    if (file) this.#files.set(to, file);
    this.#files.delete(fd);
  }

  delete(fd: number): void {
    this.#files.delete(fd);
  }
}
