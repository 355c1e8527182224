// SPDX-License-Identifier: MIT
// Words of guest memory by which any thread requests an exit of vCPUs, without a call.

import { typeOf } from '../plugin/known-names.ts';

/**
 * Place of the words at which a kind of guest polls for such requests. Units that reach
 * its memory store them.
 */
export interface ExitRequestWords {
  /**
   * Number of words: one that all vCPUs poll, or one for each. 0: this guest polls none.
   */
  readonly count: number;
  /** Byte offset of the first in guest memory, a multiple of 4. */
  readonly offset: number;
  /** Bytes from one to the next, a multiple of 4. */
  readonly stride: number;
  /** The 32-bit value that requests an exit. The guest clears the request. */
  readonly value: number;
}

/**
 * For a guest that cannot be requested to exit: its vCPUs exit on their own, or are
 * called.
 */
export const NO_EXIT_REQUEST: ExitRequestWords = { count: 0, offset: 0, stride: 0, value: 0 };

/**
 * Requests an exit of all vCPUs. `memory` is the guest's, as 32-bit words.
 * @throws {TypeError} when it is not a memory.
 */
export function requestExit(memory: Int32Array, words: ExitRequestWords): void {
  if (!(memory instanceof Int32Array))
    throw new TypeError(`requestExit: memory must be an Int32Array, not ${typeOf(memory)}`);
  if (typeof words !== 'object' || words === null)
    throw new TypeError(`requestExit: words must be an object, not ${typeOf(words)}`);
  const { count, offset, stride, value } = words;
  for (let i = 0; i < count; i++) Atomics.store(memory, (offset + i * stride) >> 2, value);
}
