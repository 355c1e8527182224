// SPDX-License-Identifier: MIT
// Fields whose values come from a caller: a value that does not fit is an error, instead
// of being truncated.

import { bitsOf, type Field, setField } from '../plugin/index.ts';
import { checkInteger } from '../plugin/known-values.ts';
import { checkWordList } from '../plugin/known-words.ts';
import type { OptionKind } from '../plugin/option-kinds.ts';
import { ADDRESS_SIZES, type Granule } from './granule.ts';
import { checkGranule } from './table-geometry.ts';

/** The largest 64-bit number: addresses of stage 1's upper half are included. */
const MAX_ADDRESS = 2 ** 64 - 2048;
const ALL_ONES = 0xffffffff;

/**
 * Sets a field. The value of a 32-bit field may also be the signed number with the same
 * bits, as in WebAssembly.
 * @param what the value's name in messages: "contextDescriptor: asid".
 * @throws {TypeError} unless the value is a number.
 * @throws {RangeError} unless it is an integer that fits the field.
 */
export function setNamedField(words: Uint32Array, field: Field, value: number, what: string): void {
  const most = bitsOf(ALL_ONES, field);
  const isSigned = most === ALL_ONES && value < 0 && value >= -(2 ** 31) && Number.isInteger(value);
  if (!isSigned) checkInteger(value, 0, most, what);
  setField(words, field, value);
}

/**
 * @param multiple required alignment of the address: lower bits are not stored.
 * @throws {TypeError} unless the value is a number.
 * @throws {RangeError} unless it is an address with that alignment.
 */
export function checkAddress(value: number, multiple: number, what: string): void {
  checkInteger(value, 0, MAX_ADDRESS, what);
  if (value % multiple !== 0)
    throw new RangeError(`${what} must be a multiple of ${multiple}, not 0x${value.toString(16)}`);
}

/** An option that is a granule. */
export const granuleKind: OptionKind = (value, owner, name) =>
  checkGranule(value as Granule, `${owner}: ${name}`);

/**
 * @param what the value's name in messages: "contextDescriptor: outputBits".
 * @throws {RangeError} unless it is absent, or a size of the architecture.
 */
export function checkAddressSize(bits: number | undefined, what: string): void {
  if (bits !== undefined && !ADDRESS_SIZES.includes(bits))
    throw new RangeError(`${what} must be one of ${ADDRESS_SIZES.join(', ')}, not ${String(bits)}`);
}

/**
 * @param what the structure's name in messages: "writeSte: an STE".
 * @throws {TypeError} unless there are `count` words, all of them numbers.
 * @throws {RangeError} unless each is a 32-bit integer.
 */
export function checkWords(words: ArrayLike<number>, count: number, what: string): void {
  if (words?.length !== count || typeof words === 'string')
    throw new TypeError(`${what} is ${count} words of 32 bits`);
  checkWordList(words, what);
}
