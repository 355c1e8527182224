// SPDX-License-Identifier: MIT
// Guest memory, addressed as devices address it.

import type { MemoryRegion } from '../../assembly/load.ts';
import type { GuestMemory } from '../plugin/index.ts';
import { typeOf } from '../plugin/known-names.ts';
import { checkInteger, checkList } from '../plugin/known-values.ts';

const MAX_GPA = 2 ** 32;

/** Byte offset of a gpa whose `length` bytes are in one region; -1 when they are not. */
export function offsetOfGpa(regions: readonly MemoryRegion[], gpa: number, length: number): number {
  for (const region of regions) {
    if (gpa >= region.gpa && gpa + length <= region.gpa + region.size)
      return region.offset + (gpa - region.gpa);
  }
  return -1;
}

/**
 * @param what names the caller in messages: "createVm".
 * @throws {TypeError} when the memory is not a memory, or the regions not a list of
 *   regions.
 * @throws {RangeError} when a region is not within the first 4 GiB, or not in the memory.
 */
export function checkRegions(
  memory: WebAssembly.Memory,
  regions: readonly MemoryRegion[],
  what: string,
): void {
  if (!(memory instanceof WebAssembly.Memory))
    throw new TypeError(`${what}: memory must be a WebAssembly.Memory, not ${typeOf(memory)}`);
  checkList(regions, `${what}: regions`);
  for (const [at, region] of regions.entries()) {
    for (const name of ['gpa', 'offset', 'size'] as const)
      checkInteger(region?.[name], 0, MAX_GPA, `${what}: regions[${at}].${name}`);
    if (region.gpa + region.size > MAX_GPA)
      throw new RangeError(`${what}: regions[${at}] must lie below 4 GiB`);
    if (region.offset + region.size > memory.buffer.byteLength)
      throw new RangeError(`${what}: regions[${at}] must lie in the memory`);
  }
}

/**
 * Guest memory for devices: aligned 64-bit words, and 32-bit words for MSIs, each
 * accessed once.
 * @throws {TypeError|RangeError} when the memory is not a memory, or a region is not in
 *   it.
 */
export function guestMemoryOf(
  memory: WebAssembly.Memory,
  regions: readonly MemoryRegion[],
): GuestMemory {
  checkRegions(memory, regions, 'guestMemoryOf');
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
