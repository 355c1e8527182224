// SPDX-License-Identifier: MIT
// Words of guest memory by which any thread asks vCPUs for an exit, without a call.

import { typeOf } from '../plugin/known-names.ts';

/** Where a kind of guest looks for such requests. The units that reach its memory store them. */
export interface ExitRequestWords {
  /** How many words: one that all vCPUs look at, or one for each. 0: this guest looks at none. */
  readonly count: number;
  /** Byte offset of the first in guest memory, a multiple of 4. */
  readonly offset: number;
  /** Bytes from one to the next, a multiple of 4. */
  readonly stride: number;
  /** What asks for an exit: 32 bits. What takes it back is the guest's affair. */
  readonly value: number;
}

/** Of a guest that cannot be asked: its vCPUs come out by themselves, or are called. */
export const NO_EXIT_REQUEST: ExitRequestWords = { count: 0, offset: 0, stride: 0, value: 0 };

/**
 * Asks all vCPUs. `memory` is the guest's, as 32-bit words.
 * @throws {TypeError} when it is none.
 */
export function requestExit(memory: Int32Array, words: ExitRequestWords): void {
  if (!(memory instanceof Int32Array))
    throw new TypeError(`requestExit: memory must be an Int32Array, not ${typeOf(memory)}`);
  if (typeof words !== 'object' || words === null)
    throw new TypeError(`requestExit: words must be an object, not ${typeOf(words)}`);
  const { count, offset, stride, value } = words;
  for (let i = 0; i < count; i++) Atomics.store(memory, (offset + i * stride) >> 2, value);
}
