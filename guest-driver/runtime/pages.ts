// SPDX-License-Identifier: MIT
// Allocation of guest memory that devices read: upwards from the end of the program,
// never freed.

import { memorySize } from './abi';

/** One word: memory offset of the first free byte, 0 before the first allocation. */
const NEXT: usize = memory.data(8, 8);

/** Discards every allocation. */
export function resetPages(): void {
  store<usize>(NEXT, 0);
}

/** Remaining bytes, before alignment. */
export function freeBytes(): usize {
  const next = load<usize>(NEXT) == 0 ? __heap_base : load<usize>(NEXT);
  return memorySize() - next;
}

/**
 * Allocates zeroed memory.
 * @param alignment a power of two: 64 for STEs and CDs, 4096 for tables, its size for a
 *   queue.
 * @returns the memory offset, 0 when memory is exhausted.
 */
export function allocate(size: usize, alignment: usize): usize {
  const next = load<usize>(NEXT) == 0 ? __heap_base : load<usize>(NEXT);
  const start = (next + alignment - 1) & ~(alignment - 1);
  const limit = <usize>memorySize();
  if (start < next || start > limit || size > limit - start) return 0;
  store<usize>(NEXT, start + size);
  memory.fill(start, 0, size);
  return start;
}
