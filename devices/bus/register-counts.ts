// SPDX-License-Identifier: MIT
// Counts accesses by register.

import type { BusMount, RegisterCounter } from './bus.ts';

/** Registers are counted in pages of 4 KiB, allocated when first touched. */
const PAGE_SHIFT = 12;
const PAGE_WORDS = 1 << (PAGE_SHIFT - 2);

export class RegisterCounts implements RegisterCounter {
  readonly #mounts: Float64Array[][] = [];

  countRegister(mount: number, offset: number): void {
    this.#mounts[mount] ??= [];
    const pages = this.#mounts[mount];
    pages[offset >>> PAGE_SHIFT] ??= new Float64Array(PAGE_WORDS);
    const page = pages[offset >>> PAGE_SHIFT];
    const word = (offset >>> 2) & (PAGE_WORDS - 1);
    if (page) page[word] = (page[word] ?? 0) + 1;
  }

  /** Counts by "device.REGISTER". `mounts` are the mounts of the bus that is counted. */
  byName(mounts: readonly BusMount[]): Record<string, number> {
    const counts: Record<string, number> = {};
    this.#mounts.forEach((pages, mount) => {
      const at = mounts[mount];
      pages.forEach((page, index) => {
        // Most words are 0, and a recording of a machine's events calls this after each
        // event.
        for (let word = 0; word < PAGE_WORDS; word++) {
          const count = page[word] ?? 0;
          if (count === 0 || !at) continue;
          const offset = (index << PAGE_SHIFT) + 4 * word;
          const name = `${at.device.name}.${at.device.registerName(at.region, offset)}`;
          counts[name] = (counts[name] ?? 0) + count;
        }
      });
    });
    return counts;
  }
}
