// SPDX-License-Identifier: MIT
// Bit fields for those outside: arguments are looked at first. The library itself is at bit fields with each access, and
// calls what is below.

import type { Field } from './bit-fields.ts';
import * as fields from './bit-fields.ts';
import { checkInteger } from './known-values.ts';
import { checkWord, checkWordList } from './known-words.ts';

/** @throws {TypeError|RangeError} unless it is a field as assembly/layout packs them. */
function checkField(field: Field, what: string): void {
  checkInteger(field, 1, 2 ** 31 - 1, `${what}: field`);
  const [shift, width] = [(field >>> 8) & 0xff, field & 0xff];
  if (width === 0 || shift + width > 32)
    throw new RangeError(
      `${what}: field must be a field of assembly/layout, which lies in 32 bits, not ${field}`,
    );
}

/**
 * The field's value in the one word that holds it, unsigned.
 * @throws {TypeError|RangeError} when the word has no 32 bits, or the field is none.
 */
export function bitsOf(word: number, field: Field): number {
  checkWord(word, 'bitsOf: word');
  checkField(field, 'bitsOf');
  return fields.bitsOf(word, field);
}

/**
 * `word` with the field replaced by the low bits of `value`, unsigned.
 * @throws {TypeError|RangeError} when a word has no 32 bits, or the field is none.
 */
export function withBits(word: number, field: Field, value: number): number {
  checkWord(word, 'withBits: word');
  checkField(field, 'withBits');
  checkWord(value, 'withBits: value');
  return fields.withBits(word, field, value);
}

/**
 * The bits that a field covers in its word, unsigned.
 * @throws {TypeError|RangeError} when the field is none.
 */
export function maskInWord(field: Field): number {
  checkField(field, 'maskInWord');
  return fields.maskInWord(field);
}

/**
 * Index of the 32-bit word that holds the field.
 * @throws {TypeError|RangeError} when the field is none.
 */
export function wordOf(field: Field): number {
  checkField(field, 'wordOf');
  return fields.wordOf(field);
}

/**
 * The field's value in a structure of 32-bit words.
 * @throws {TypeError|RangeError} when the words have no 32 bits, or the field is none.
 */
export function fieldOf(words: ArrayLike<number>, field: Field): number {
  checkWordList(words, 'fieldOf: words');
  checkField(field, 'fieldOf');
  return fields.fieldOf(words, field);
}

/**
 * Replaces the field in a structure of 32-bit words.
 * @throws {TypeError|RangeError} when a word has no 32 bits, or the field is none.
 */
export function setField(words: Uint32Array | number[], field: Field, value: number): void {
  checkWordList(words, 'setField: words');
  checkField(field, 'setField');
  checkWord(value, 'setField: value');
  fields.setField(words, field, value);
}
