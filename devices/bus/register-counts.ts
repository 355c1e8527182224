// SPDX-License-Identifier: MIT
// Counts accesses by register.

import type { BusMount, RegisterCounter } from './bus.ts';

/** Registers are counted in pages of 4 KiB, allocated when first touched. */
const PAGE_SHIFT = 12;
const PAGE_WORDS = 1 << (PAGE_SHIFT - 2);

/** Counts of a page of registers. */
class CountedPage {
  readonly counts = new Float64Array(PAGE_WORDS);
  /** Indices of the counts that are not 0, ascending. */
  readonly counted: number[] = [];

  add(word: number): void {
    const count = this.counts[word] ?? 0;
    if (count === 0) {
      this.counted.push(word);
      this.counted.sort((a, b) => a - b);
    }
    this.counts[word] = count + 1;
  }
}

export class RegisterCounts implements RegisterCounter {
  readonly #mounts: CountedPage[][] = [];

  countRegister(mount: number, offset: number): void {
    this.#mounts[mount] ??= [];
    const pages = this.#mounts[mount];
    pages[offset >>> PAGE_SHIFT] ??= new CountedPage();
    pages[offset >>> PAGE_SHIFT]?.add((offset >>> 2) & (PAGE_WORDS - 1));
  }

  /** Counts by "device.REGISTER". `mounts` are the mounts of the bus that is counted. */
  byName(mounts: readonly BusMount[]): Record<string, number> {
    const counts: Record<string, number> = {};
    this.#mounts.forEach((pages, mount) => {
      const at = mounts[mount];
      if (!at) return;
      pages.forEach((page, index) => {
        // A recording of a machine's events calls this after each event: only the
        // registers that were accessed are looked at.
        for (const word of page.counted) {
          const offset = (index << PAGE_SHIFT) + 4 * word;
          const name = `${at.device.name}.${at.device.registerName(at.region, offset)}`;
          counts[name] = (counts[name] ?? 0) + (page.counts[word] ?? 0);
        }
      });
    });
    return counts;
  }
}
