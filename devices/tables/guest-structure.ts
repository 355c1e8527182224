// SPDX-License-Identifier: MIT
// Reads a structure at an address that a guest chose: an STE, a CD, a PASID table entry.

import type { GuestMemory } from '../plugin/index.ts';

/**
 * 64-bit words as a structure of 32-bit words; undefined unless all of them are in RAM.
 */
export function guestStructure(
  memory: Pick<GuestMemory, 'load64'>,
  gpa: number,
  bytes: number,
): Uint32Array<ArrayBuffer> | undefined {
  const words = new BigUint64Array(bytes / 8);
  for (let i = 0; i < words.length; i++) {
    const word = memory.load64(gpa + 8 * i);
    if (word === undefined) return undefined;
    words[i] = word;
  }
  return new Uint32Array(words.buffer);
}
