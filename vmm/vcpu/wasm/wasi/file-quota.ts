// SPDX-License-Identifier: MIT
// Limits of a machine's files: bytes in memory, and entries in the library, whose tables
// one call may have to search, or to move when they grow.

/** For one machine, in bytes. */
const QUOTA = 64 * 2 ** 20;
/** Maximum number of files and directories at a time. */
const MAX_ENTRIES = 384;
/**
 * Maximum number of directories created in all: the library never frees one, and moves
 * 4,096 of all kinds at once.
 */
const MAX_DIRECTORIES = 3500;

export class FileQuota {
  #kept = 0;
  #entries = 0;
  #directories = 0;

  /** Number of bytes that may still be stored. */
  get room(): number {
    return QUOTA - this.#kept;
  }

  /** True when one more is allowed. */
  allows(what: 'file' | 'directory'): boolean {
    return this.#entries < MAX_ENTRIES && (what === 'file' || this.#directories < MAX_DIRECTORIES);
  }

  addEntry(what: 'file' | 'directory'): void {
    this.#entries++;
    if (what === 'directory') this.#directories++;
  }

  removeEntry(): void {
    this.#entries--;
  }

  /** Files have grown by this number of bytes, or shrunk. */
  grow(bytes: number): void {
    this.#kept += bytes;
  }
}
