// SPDX-License-Identifier: MIT
// Memory for tables, in a guest's memory as seen by devices.

import type { GuestMemory } from '../../devices/plugin/index.ts';
import type { TableMemory } from '../../devices/tables/index.ts';

/**
 * @param words the guest's memory; an address outside it is an error of the test.
 * @param from gpa of the memory for `allocate`. Default: none, all addresses are fixed.
 */
export function tableMemory(
  words: Pick<GuestMemory, 'load64' | 'store64'>,
  from = Number.NaN,
): TableMemory {
  const noRam = (gpa: number) => new RangeError(`0x${gpa.toString(16)} is not RAM`);
  let next = from;
  return {
    load64(gpa) {
      const value = words.load64(gpa);
      if (value === undefined) throw noRam(gpa);
      return value;
    },
    store64(gpa, value) {
      if (!words.store64(gpa, value)) throw noRam(gpa);
    },
    allocate(size, alignment) {
      if (Number.isNaN(next)) throw new RangeError('everything has its place');
      const gpa = Math.ceil(next / alignment) * alignment;
      next = gpa + size;
      return gpa;
    },
  };
}
