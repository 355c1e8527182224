// SPDX-License-Identifier: MIT
// The memory in which tables are built, as builders need it.

import { checkInteger, checkMethods } from '../plugin/known-values.ts';
import { checkDoublewords } from '../plugin/known-words.ts';
import { checkAddress } from './named-field.ts';
import { loadTable64 } from './table-words.ts';

/**
 * Memory from which an SMMU fetches tables. Addresses are in the space that the tables
 * point into: PA for a host's tables, gpa (which is the IPA) for a guest's. They are
 * integers below 2^52.
 */
export interface TableMemory {
  /** Reads an aligned 64-bit word. */
  load64(address: number): bigint;
  /** Writes an aligned 64-bit word atomically. */
  store64(address: number, value: bigint): void;
  /** Allocates `size` bytes of zeros, aligned to `alignment` (a power of two). */
  allocate(size: number, alignment: number): number;
}

/** Far more than any structure or record has. */
const MAX_BYTES = 2 ** 20;

/**
 * Reads a structure of 32-bit words (an STE, a record of a queue) as 64-bit words, the
 * first one first.
 * @param bytes a multiple of 8.
 * @throws {TypeError|RangeError} when the memory lacks `load64`, a number has the wrong
 *   type, or is not a multiple of 8.
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
 * An address split into the two 32-bit words of a register or a table entry: low word,
 * high word.
 * @throws {TypeError|RangeError} when it is not an address: a number, not a bigint.
 */
export function splitAddress(address: number): [number, number] {
  checkAddress(address, 1, 'splitAddress: address');
  return [address % 2 ** 32, Math.floor(address / 2 ** 32)];
}

/**
 * Writes a structure of 32-bit words (an STE, a CD, a command) as 64-bit words, the first
 * one last: it contains the valid bit of an STE or CD. An SMMU that fetches in the
 * meantime sees a structure that was not valid before as still not valid (IHI 0070
 * section 3.21.3.1).
 * @throws {TypeError|RangeError} when the memory lacks `store64`, the address is not a
 *   multiple of 8, or the words are not pairs of numbers.
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
