// SPDX-License-Identifier: MIT
// Memory that tables are built in, over a guest's as devices have it.

import type { GuestMemory } from '../../devices/plugin/index.ts';
import type { TableMemory } from '../../devices/tables/index.ts';

/**
 * @param words the guest's memory; an address outside of it is an error of the test.
 * @param from gpa of what `allocate` gives away. Default: nothing, everything has its place.
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
