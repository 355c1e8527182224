// SPDX-License-Identifier: MIT
// Checks of the values that a memory for tables returns to builders.

import { answeredBigint, refuseAnswer } from '../plugin/answers.ts';

/**
 * Reads a word of tables.
 * @throws {TypeError} when the memory does not return a word.
 */
export function loadTable64(memory: { load64(address: number): bigint }, address: number): bigint {
  return answeredBigint(memory.load64(address), 'load64 of the memory of tables');
}

/**
 * Memory for a table.
 * @throws {TypeError} when the memory does not return an address of that alignment.
 */
export function allocateTable(
  memory: { allocate(size: number, alignment: number): number },
  size: number,
  alignment: number,
): number {
  const at = memory.allocate(size, alignment);
  if (!Number.isSafeInteger(at) || at < 0 || at % alignment !== 0)
    refuseAnswer(
      'allocate of the memory of tables',
      `an address that is a multiple of 0x${alignment.toString(16)}`,
      at,
    );
  return at;
}
