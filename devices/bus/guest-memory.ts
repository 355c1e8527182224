// SPDX-License-Identifier: MIT
// Guest memory as devices address it.

import type { MemoryRegion } from '../../assembly/load.ts';
import type { GuestMemory } from '../plugin/index.ts';

/** Byte offset of a gpa whose `length` bytes lie in one region, -1 when they do not. */
export function offsetOfGpa(regions: readonly MemoryRegion[], gpa: number, length: number): number {
  for (const region of regions) {
    if (gpa >= region.gpa && gpa + length <= region.gpa + region.size)
      return region.offset + (gpa - region.gpa);
  }
  return -1;
}

/** Guest memory for devices: aligned 64-bit words (32-bit ones of MSIs), each read or written once. */
export function guestMemoryOf(
  memory: WebAssembly.Memory,
  regions: readonly MemoryRegion[],
): GuestMemory {
  const words = new BigInt64Array(memory.buffer);
  const halves = new Int32Array(memory.buffer);
  const indexOf = (gpa: number, size = 8) => {
    const offset = gpa % size === 0 ? offsetOfGpa(regions, gpa, size) : -1;
    return offset < 0 ? -1 : offset / size;
  };
  return {
    load64(gpa) {
      const index = indexOf(gpa);
      return index < 0 ? undefined : BigInt.asUintN(64, Atomics.load(words, index));
    },
    store64(gpa, value) {
      const index = indexOf(gpa);
      if (index >= 0) Atomics.store(words, index, BigInt.asIntN(64, value));
      return index >= 0;
    },
    store32(gpa, value) {
      const index = indexOf(gpa, 4);
      if (index >= 0) Atomics.store(halves, index, value);
      return index >= 0;
    },
  };
}
