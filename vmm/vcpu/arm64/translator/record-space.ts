// SPDX-License-Identifier: MIT
// Space in the record pool for what regions need there: entries, and notes of branches.

import {
  ARM64_PAGE_STRIDE,
  ARM64_POOL_END,
  ARM64_POOL_NEXT,
} from '../../../../assembly/layout/arm64-records.ts';

export class RecordSpace {
  readonly #words: Uint32Array;
  readonly #pool: number;
  /** What is free of the pages that were taken last. */
  #next = 0;
  #end = 0;

  /** @param pool Byte offset of the record pool in the words. */
  constructor(words: Uint32Array, pool: number) {
    this.#words = words;
    this.#pool = pool;
  }

  /** The pool was emptied. */
  reset(): void {
    this.#next = 0;
    this.#end = 0;
  }

  /**
   * Allocates consecutive bytes.
   * @param size a multiple of 8.
   * @returns their offset, 0 when there is no space.
   */
  allocate(size: number): number {
    if (this.#next + size > this.#end) {
      const next = (this.#pool + ARM64_POOL_NEXT) >>> 2;
      const start = this.#words[next] ?? 0;
      // The entries of a large region do not fit into one page.
      const end = start + ARM64_PAGE_STRIDE * Math.ceil(size / ARM64_PAGE_STRIDE);
      if (end > (this.#words[(this.#pool + ARM64_POOL_END) >>> 2] ?? 0)) return 0;
      this.#words[next] = end;
      this.#next = start;
      this.#end = end;
    }
    const at = this.#next;
    this.#next += size;
    return at;
  }
}
