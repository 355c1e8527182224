// SPDX-License-Identifier: MIT
// What a machine may have of files: bytes in memory, and entries in the library, whose tables one call may have to go
// through, or to move when they grow.

/** Of one machine, in bytes. */
const QUOTA = 64 * 2 ** 20;
/** Files and directories at a time. */
const MAX_ENTRIES = 384;
/** Directories that are made in all: the library never forgets one, and moves 4,096 of all kinds at once. */
const MAX_DIRECTORIES = 3500;

export class FileQuota {
  #kept = 0;
  #entries = 0;
  #directories = 0;

  /** Bytes that may still be kept. */
  get room(): number {
    return QUOTA - this.#kept;
  }

  /** Whether one more has room. */
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

  /** Files have become longer by so many bytes, or shorter. */
  grow(bytes: number): void {
    this.#kept += bytes;
  }
}
