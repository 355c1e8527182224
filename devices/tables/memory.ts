// SPDX-License-Identifier: MIT
// The memory that tables are built in, as far as a builder needs it.

import { checkInteger, checkMethods } from '../plugin/known-values.ts';
import { checkDoublewords } from '../plugin/known-words.ts';
import { checkAddress } from './named-field.ts';
import { loadTable64 } from './table-words.ts';

/**
 * Memory that an SMMU fetches tables from. Addresses are in the space that the tables
 * point into: PA for a host's tables, gpa (which is the IPA) for a guest's. They are
 * integers below 2^52.
 */
export interface TableMemory {
  /** Reads an aligned 64-bit word. */
  load64(address: number): bigint;
  /** Writes an aligned 64-bit word in one piece. */
  store64(address: number, value: bigint): void;
  /** Gives `size` bytes of zeros, aligned to `alignment` (a power of two). */
  allocate(size: number, alignment: number): number;
}

/** No structure, and no record, comes near to it. */
const MAX_BYTES = 2 ** 20;

/**
 * Reads a structure of 32-bit words (an STE, a record of a queue) as 64-bit words, the first one first.
 * @param bytes a multiple of 8.
 * @throws {TypeError|RangeError} when the memory lacks `load64`, or a number is none, or no multiple of 8.
 */
export function loadStructure(
  memory: Pick<TableMemory, 'load64'>,
  address: number,
  bytes: number,
): Uint32Array {
  checkMethods(memory, ['load64'], 'loadStructure: memory');
  checkAddress(address, 8, 'loadStructure: address');
  checkInteger(bytes, 0, MAX_BYTES, 'loadStructure: bytes');
  checkAddress(bytes, 8, 'loadStructure: bytes');
  const words = new Uint32Array(bytes / 4);
  for (let i = 0; i < words.length; i += 2) {
    const word = loadTable64(memory, address + 4 * i);
    words[i] = Number(word & 0xffffffffn);
    words[i + 1] = Number(word >> 32n);
  }
  return words;
}

/**
 * An address split into the two 32-bit words of a register or a table entry: low word, high word.
 * @throws {TypeError|RangeError} when it is no address: a number, not a bigint.
 */
export function splitAddress(address: number): [number, number] {
  checkAddress(address, 1, 'splitAddress: address');
  return [address % 2 ** 32, Math.floor(address / 2 ** 32)];
}

/**
 * Writes a structure of 32-bit words (an STE, a CD, a command) as 64-bit words, the first
 * one last: it carries the valid bit of an STE or CD, and an SMMU that fetches meanwhile
 * sees the structure as not valid yet when it was not valid before (IHI 0070 section
 * 3.21.3.1).
 * @throws {TypeError|RangeError} when the memory lacks `store64`, the address is no multiple of 8, or the words are no
 *   pairs of numbers.
 */
export function storeStructure(
  memory: TableMemory,
  address: number,
  words: ArrayLike<number>,
): void {
  checkMethods(memory, ['store64'], 'storeStructure: memory');
  checkAddress(address, 8, 'storeStructure: address');
  checkDoublewords(words, 'storeStructure: words');
  for (let i = words.length - 2; i >= 0; i -= 2) {
    memory.store64(
      address + 4 * i,
      (BigInt((words[i + 1] ?? 0) >>> 0) << 32n) | BigInt((words[i] ?? 0) >>> 0),
    );
  }
}
