// SPDX-License-Identifier: MIT
// Bit fields for users of the library, with checked arguments. The library itself calls
// the unchecked functions, as it uses bit fields on every access.

import type { Field } from './bit-fields.ts';
import * as fields from './bit-fields.ts';
import { checkInteger } from './known-values.ts';
import { checkWord, checkWordList } from './known-words.ts';

/**
 * @throws {TypeError|RangeError} unless it is a field in the format of assembly/layout.
 */
function checkField(field: Field, what: string): void {
  checkInteger(field, 1, 2 ** 31 - 1, `${what}: field`);
  const [shift, width] = [(field >>> 8) & 0xff, field & 0xff];
  if (width === 0 || shift + width > 32)
    throw new RangeError(
      `${what}: field must be a field of assembly/layout, which lies in 32 bits, not ${field}`,
    );
}

/**
 * The field's value in the one word that contains it, unsigned.
 * @throws {TypeError|RangeError} when the word is not a 32-bit integer, or the field is
 *   not valid.
 */
export function bitsOf(word: number, field: Field): number {
  checkWord(word, 'bitsOf: word');
  checkField(field, 'bitsOf');
  return fields.bitsOf(word, field);
}

/**
 * `word` with the field replaced by the low bits of `value`, unsigned.
 * @throws {TypeError|RangeError} when a word is not a 32-bit integer, or the field is not
 *   valid.
 */
export function withBits(word: number, field: Field, value: number): number {
  checkWord(word, 'withBits: word');
  checkField(field, 'withBits');
  checkWord(value, 'withBits: value');
  return fields.withBits(word, field, value);
}

/**
 * The bits that a field covers in its word, unsigned.
 * @throws {TypeError|RangeError} when the field is not valid.
 */
export function maskInWord(field: Field): number {
  checkField(field, 'maskInWord');
  return fields.maskInWord(field);
}

/**
 * Index of the 32-bit word that contains the field.
 * @throws {TypeError|RangeError} when the field is not valid.
 */
export function wordOf(field: Field): number {
  checkField(field, 'wordOf');
  return fields.wordOf(field);
}

/**
 * The field's value in a structure of 32-bit words.
 * @throws {TypeError|RangeError} when the words are not 32-bit integers, or the field is
 *   not valid.
 */
export function fieldOf(words: ArrayLike<number>, field: Field): number {
  checkWordList(words, 'fieldOf: words');
  checkField(field, 'fieldOf');
  return fields.fieldOf(words, field);
}

/**
 * Replaces the field in a structure of 32-bit words.
 * @throws {TypeError|RangeError} when a word is not a 32-bit integer, or the field is not
 *   valid.
 */
export function setField(words: Uint32Array | number[], field: Field, value: number): void {
  checkWordList(words, 'setField: words');
  checkField(field, 'setField');
  checkWord(value, 'setField: value');
  fields.setField(words, field, value);
}
