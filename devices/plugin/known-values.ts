// SPDX-License-Identifier: MIT
// Checks of the values of options and fields. A value of the wrong type or out of range
// is reported in one line.

import { functionNames, nearestName, typeOf } from './known-names.ts';
import { printable } from './printable.ts';

const shown = (value: unknown) => (typeof value === 'number' ? String(value) : typeOf(value));

/**
 * @param what the value's name in messages: "virtBoard: epoch".
 * @throws {TypeError} unless the value is a number.
 * @throws {RangeError} unless it is an integer from `least` to `most`.
 */
export function checkInteger(value: unknown, least: number, most: number, what: string): void {
  if (typeof value !== 'number')
    throw new TypeError(`${what} must be a number, not ${typeOf(value)}`);
  if (!Number.isInteger(value) || value < least || value > most)
    throw new RangeError(`${what} must be an integer from ${least} to ${most}, not ${value}`);
}

/** Same as `checkInteger`, for a value that may be absent. */
export function checkOptionalInteger(
  value: unknown,
  least: number,
  most: number,
  what: string,
): void {
  if (value !== undefined) checkInteger(value, least, most, what);
}

/** @throws {TypeError} unless the value is true, false, or absent. */
export function checkBoolean(value: unknown, what: string): void {
  if (value !== undefined && typeof value !== 'boolean')
    throw new TypeError(`${what} must be true or false, not ${shown(value)}`);
}

/** @throws {TypeError} unless the value is a Uint8Array. */
export function checkBytes(value: unknown, what: string): asserts value is Uint8Array {
  if (!(value instanceof Uint8Array))
    throw new TypeError(`${what} must be a Uint8Array, not ${typeOf(value)}`);
}

/** @throws {TypeError} unless the value is a list. */
export function checkList(value: unknown, what: string): void {
  if (!Array.isArray(value)) throw new TypeError(`${what} must be a list, not ${shown(value)}`);
}

/**
 * The message about a function whose name is similar to the required one; empty when
 * there is none.
 */
function misspelt(value: object, name: string, names: readonly string[]): string {
  const near = nearestName(
    name,
    functionNames(value).filter((one) => !names.includes(one)),
  );
  return near === undefined ? '' : `; it has "${printable(near)}"`;
}

/** @throws {TypeError} unless the value has functions with these names. */
export function checkMethods(value: unknown, names: readonly string[], what: string): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new TypeError(
      `${what} must be an object, not ${Array.isArray(value) ? 'a list' : shown(value)}`,
    );
  for (const name of names)
    if (typeof (value as Record<string, unknown>)[name] !== 'function')
      throw new TypeError(`${what} must have a function ${name}${misspelt(value, name, names)}`);
}
