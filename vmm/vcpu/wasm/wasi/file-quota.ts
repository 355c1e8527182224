// SPDX-License-Identifier: MIT
// What a machine may keep in memory as files. The library that has them has one heap for all machines.

/** Of one machine, in bytes. */
const QUOTA = 64 * 2 ** 20;
/** Files and directories: the library goes through all of a directory to read any of it. */
const MAX_ENTRIES = 1024;

export class FileQuota {
  #kept = 0;
  #entries = 0;
  readonly #sizes = new Map<bigint, number>();

  get kept(): number {
    return this.#kept;
  }

  /** Bytes that may still be kept. */
  get room(): number {
    return QUOTA - this.#kept;
  }

  /** No file or directory more has room. */
  get full(): boolean {
    return this.#entries >= MAX_ENTRIES;
  }

  addEntry(): void {
    this.#entries++;
  }

  removeEntry(): void {
    this.#entries--;
  }

  /** Keeps bytes for as long as the machine has its files. @returns false when there is no room for them. */
  keep(bytes: number): boolean {
    if (bytes > this.room) return false;
    this.#kept += bytes;
    return true;
  }

  /** Bytes of a file. */
  sizeOf(inode: bigint): number {
    return this.#sizes.get(inode) ?? 0;
  }

  /** A file has become longer or shorter; one of no length is as good as removed. */
  setSize(inode: bigint, size: number): void {
    this.#kept += size - this.sizeOf(inode);
    if (size === 0) this.#sizes.delete(inode);
    else this.#sizes.set(inode, size);
  }
}
