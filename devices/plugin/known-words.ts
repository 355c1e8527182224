// SPDX-License-Identifier: MIT
// Checks of 32-bit words from a caller: an invalid one is reported in one line instead of
// being treated as 0.

import { typeOf } from './known-names.ts';
import { checkInteger } from './known-values.ts';

const LEAST = -(2 ** 31);
const MOST = 2 ** 32 - 1;
/** Far more than any structure or record has. */
const MAX_WORDS = 2 ** 20;

/**
 * @param what the value's name in messages: "writtenTo: word".
 * @throws {TypeError} unless it is a number.
 * @throws {RangeError} unless it is a 32-bit integer, signed or unsigned.
 */
export function checkWord(value: unknown, what: string): void {
  if (typeof value !== 'number' || ((value | 0) !== value && value >>> 0 !== value))
    checkInteger(value, LEAST, MOST, what);
}

/**
 * @param what the list's name in messages: "decodeEvent: words".
 * @throws {TypeError} unless it is a list (or a typed array) of numbers.
 * @throws {RangeError} unless each is a 32-bit integer, signed or unsigned.
 */
export function checkWordList(words: unknown, what: string): asserts words is ArrayLike<number> {
  if (words instanceof Uint32Array) return;
  const { length } = (words ?? {}) as ArrayLike<unknown>;
  if (typeof words !== 'object' || !Number.isInteger(length) || length < 0 || length > MAX_WORDS)
    throw new TypeError(
      `${what} must be a list of 32-bit words, not ${typeof words === 'string' ? 'text' : typeOf(words)}`,
    );
  const list = words as ArrayLike<unknown>;
  for (let i = 0; i < length; i++) checkWord(list[i], `${what}[${i}]`);
}

/** Same as `checkWordList`, for a list of complete 64-bit doublewords. */
export function checkDoublewords(words: unknown, what: string): asserts words is ArrayLike<number> {
  checkWordList(words, what);
  if (words.length % 2 !== 0)
    throw new RangeError(
      `${what} must be an even number of 32-bit words: doublewords, not ${words.length}`,
    );
}
