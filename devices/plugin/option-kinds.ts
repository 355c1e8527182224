// SPDX-License-Identifier: MIT
// Kinds of option values. Names and values of an object of options are checked together,
// and the first error is reported in one line.

import { checkNames, checkOptionalMethods, typeOf } from './known-names.ts';
import { checkBoolean, checkInteger, checkList, checkMethods } from './known-values.ts';
import { isPowerOfTwo } from './power-of-two.ts';

/**
 * Checks the value of an option that is present.
 * @throws {TypeError | RangeError} that names the option, as `owner: name`, and states
 *   what it must be.
 */
export type OptionKind = (value: unknown, owner: string, name: string) => void;

/**
 * The kind of each option of a type. It does not compile with an option missing, or one
 * too many.
 */
export type OptionKinds<T extends object> = Readonly<Record<keyof T & string, OptionKind>>;

const refuse = (owner: string, name: string, must: string, value: unknown): never => {
  const shown = typeof value === 'string' ? JSON.stringify(value) : typeOf(value);
  throw new TypeError(`${owner}: ${name} must be ${must}, not ${shown}`);
};

/** An integer from `least` to `most`. */
export const integerFrom =
  (least: number, most: number): OptionKind =>
  (value, owner, name) => {
    // The message is built only for an error: requests come with each map.
    if (!(Number.isInteger(value) && Number(value) >= least && Number(value) <= most))
      checkInteger(value, least, most, `${owner}: ${name}`);
  };

/** A multiple of `step`, from `least` to `most`. */
export const multipleOf =
  (step: number, least: number, most: number): OptionKind =>
  (value, owner, name) => {
    integerFrom(least, most)(value, owner, name);
    if (Number(value) % step !== 0)
      throw new RangeError(`${owner}: ${name} must be a multiple of ${step}, not ${value}`);
  };

/** A power of two from 1. */
export const powerOfTwo =
  (most: number): OptionKind =>
  (value, owner, name) => {
    if (typeof value !== 'number') checkInteger(value, 1, most, `${owner}: ${name}`);
    const number = Number(value);
    if (!isPowerOfTwo(number, most))
      throw new RangeError(
        `${owner}: ${name} must be a power of two from 1 to ${most}, not ${number}`,
      );
  };

/** 32 bits, such as a StreamID or an address below 4 GiB. */
export const uint32 = integerFrom(0, 2 ** 32 - 1);

/** A count, an id or an address. */
export const uint = integerFrom(0, Number.MAX_SAFE_INTEGER);

/** A bigint from 0. */
export const bigUint: OptionKind = (value, owner, name) => {
  if (typeof value !== 'bigint') refuse(owner, name, 'a bigint', value);
  if ((value as bigint) < 0n)
    throw new RangeError(`${owner}: ${name} must be a bigint from 0, not ${value}`);
};

/** A bigint of 64 bits. */
export const bigUint64: OptionKind = (value, owner, name) => {
  bigUint(value, owner, name);
  if ((value as bigint) >> 64n !== 0n)
    throw new RangeError(
      `${owner}: ${name} must be a bigint of 64 bits, not 0x${(value as bigint).toString(16)}`,
    );
};

/** True or false. */
export const flag: OptionKind = (value, owner, name) => {
  if (typeof value !== 'boolean') checkBoolean(value, `${owner}: ${name}`);
};

/** Text. */
export const anyText: OptionKind = (value, owner, name) => {
  if (typeof value !== 'string') refuse(owner, name, 'text', value);
};

/** Text that is not empty. */
export const nonEmpty: OptionKind = (value, owner, name) => {
  if (typeof value !== 'string' || value === '') refuse(owner, name, 'text', value);
};

/** A function. */
export const callback: OptionKind = (value, owner, name) => {
  if (typeof value !== 'function')
    throw new TypeError(`${owner}: ${name} must be a function, not ${typeOf(value)}`);
};

/** One of these texts. */
export const choiceOf =
  (...choices: readonly string[]): OptionKind =>
  (value, owner, name) => {
    if (!choices.some((one) => one === value))
      refuse(owner, name, `one of ${choices.join(', ')}`, value);
  };

/** An object with functions of these names. */
export const having =
  (...names: readonly string[]): OptionKind =>
  (value, owner, name) => {
    checkMethods(value, names, `${owner}: ${name}`);
  };

/** An object with some required functions, and some optional ones. */
export const havingSome =
  (required: readonly string[], optional: readonly string[]): OptionKind =>
  (value, owner, name) => {
    checkMethods(value, required, `${owner}: ${name}`);
    checkOptionalMethods(value as object, optional, `${owner}: ${name}`);
  };

/** An object with these options, some of which are required. */
export const objectOf =
  <T extends object>(
    kinds: OptionKinds<T>,
    required: readonly (keyof T & string)[] = [],
  ): OptionKind =>
  (value, owner, name) =>
    checkWithin(value as T, kinds, owner, required, name);

/** A list, each element of this kind. */
export const listOf =
  (kind: OptionKind): OptionKind =>
  (value, owner, name) => {
    checkList(value, `${owner}: ${name}`);
    (value as readonly unknown[]).forEach((one, i) => {
      kind(one, owner, `${name}[${i}]`);
    });
  };

/** An instance of a class. */
export const instanceOf =
  (made: abstract new (...args: never[]) => object, words: string): OptionKind =>
  (value, owner, name) => {
    if (!(value instanceof made)) refuse(owner, name, words, value);
  };

/**
 * The first kind if it accepts the value, otherwise the second, whose message is used.
 */
export const eitherOf =
  (holds: (value: unknown) => boolean, other: OptionKind): OptionKind =>
  (value, owner, name) => {
    if (!holds(value)) other(value, owner, name);
  };

/** A value that its user checks. */
export const checkedLater: OptionKind = () => undefined;

interface KindTable {
  readonly names: readonly string[];
  readonly kinds: readonly (readonly [string, OptionKind])[];
}

/** Cached by the kinds of a type: some requests come with each batch of a guest. */
const TABLES = new WeakMap<object, KindTable>();

function tableOf(kinds: Readonly<Record<string, OptionKind>>): KindTable {
  const known = TABLES.get(kinds);
  if (known) return known;
  const table = { names: Object.keys(kinds), kinds: Object.entries(kinds) };
  TABLES.set(kinds, table);
  return table;
}

/**
 * @param within name of the option that is the object; empty for the object of all
 *   options.
 */
function checkWithin<T extends object>(
  options: T,
  kinds: OptionKinds<T>,
  owner: string,
  required: readonly string[],
  within: string,
): void {
  const what = within === '' ? owner : `${owner}: ${within}`;
  const prefix = within === '' ? '' : `${within}.`;
  if (Array.isArray(options)) throw new TypeError(`${what} takes an object, not a list`);
  const table = tableOf(kinds);
  checkNames(options, table.names, what);
  const values = options as Readonly<Record<string, unknown>>;
  for (const name of required)
    if (values[name] === undefined) throw new TypeError(`${owner}: ${prefix}${name} is missing`);
  for (const [name, check] of table.kinds) {
    const value = values[name];
    if (value !== undefined) check(value, owner, within === '' ? name : prefix + name);
  }
}

/**
 * Checks an object of options: their names, that none is missing, and their values.
 * @param owner the object's name in messages: "PhysicalSmmu".
 * @param required options that must be present.
 * @throws {TypeError | RangeError} for the first error.
 */
export function checkOptions<T extends object>(
  options: T,
  kinds: OptionKinds<T>,
  owner: string,
  required: readonly (keyof T & string)[] = [],
): void {
  checkWithin(options, kinds, owner, required, '');
}
