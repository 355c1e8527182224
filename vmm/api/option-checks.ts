// SPDX-License-Identifier: MIT
// Objects of options, checked: the first thing that is wrong with one is said, by its place.

import * as v from 'valibot';
import { printable, unknownName } from '../../devices/plugin/index.ts';
import { OptionsError } from './api-errors.ts';
import { shown } from './option-values.ts';

/** Where an issue lies: `devices[0]`, `env.HOME`. */
function placeOf(issue: v.BaseIssue<unknown>): string {
  return (issue.path ?? []).reduce((place, { key }) => {
    if (typeof key === 'number') return `${place}[${key}]`;
    return place === '' ? String(key) : `${place}.${String(key)}`;
  }, '');
}

/**
 * @param option its place, as the error has it; @param what its name in the message.
 * @throws {OptionsError} when it is no object, but a list perhaps.
 */
function checkObject(value: unknown, option: string, what: string): asserts value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new OptionsError('bad-option', option, `${what} must be an object, not ${shown(value)}`);
}

/** @throws {OptionsError} for what is no object, or the first name in it that is none of the known ones. */
export function checkOptionNames(value: object, known: readonly string[], within = ''): void {
  checkObject(value, within, within || 'the options');
  const unknown = Object.keys(value).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const message = unknownName('option', unknown, known);
  throw new OptionsError('unknown-option', unknown, within ? `${within}: ${message}` : message);
}

/** @throws {OptionsError} for the first of the options, by name, that is given and no function. */
export function checkFunctions(options: object, names: readonly string[], within = ''): void {
  for (const name of names) {
    const value = (options as Record<string, unknown>)[name];
    if (value === undefined || typeof value === 'function') continue;
    const place = within ? `${within}.${name}` : name;
    throw new OptionsError('bad-option', place, `${place} must be a function, not ${shown(value)}`);
  }
}

/** @throws {OptionsError} when the option is given, and neither true nor false. */
export function checkFlag(options: object, name: string): void {
  const value = (options as Record<string, unknown>)[name];
  if (value === undefined || typeof value === 'boolean') return;
  throw new OptionsError('bad-option', name, `${name} must be true or false, not ${shown(value)}`);
}

/**
 * An option that is an object; undefined when it is not given.
 * @throws {OptionsError} when it is none.
 */
function objectIn(options: object, name: string): object | undefined {
  const value = (options as Record<string, unknown>)[name];
  if (value === undefined) return undefined;
  checkObject(value, name, name);
  return value;
}

/** @throws {OptionsError} when an option that is an object of options is given, and is none. */
export function checkInner(options: object, name: string, known: readonly string[]): void {
  const value = objectIn(options, name);
  if (value) checkOptionNames(value, known, name);
}

/**
 * @param others names in the option that are in no schema.
 * @throws {OptionsError} when an option that is an object of plain options is given, and is none.
 */
export function checkInnerPlain(
  options: object,
  name: string,
  entries: v.ObjectEntries,
  others: readonly string[] = [],
): void {
  checkInner(options, name, [...Object.keys(entries), ...others]);
  for (const [key, value] of Object.entries(objectIn(options, name) ?? {})) {
    const schema = entries[key];
    const result = schema && v.safeParse(schema, value, { abortEarly: true });
    if (!result?.issues) continue;
    const place = `${name}.${key}`;
    throw new OptionsError('bad-option', place, `${place} ${result.issues[0].message}`);
  }
}

/**
 * @param names functions that an option of the name has, when it is given.
 * @throws {OptionsError} when it has not.
 */
export function checkInterface(options: object, name: string, names: readonly string[]): void {
  const value = objectIn(options, name);
  if (!value) return;
  for (const one of names) {
    if ((value as Record<string, unknown>)[one] === undefined)
      throw new OptionsError('bad-option', `${name}.${one}`, `${name}.${one} is missing`);
  }
  checkFunctions(value, names, name);
}

/**
 * Checks an object of options.
 * @param what names the object in messages: "the options".
 * @throws {OptionsError} for the first thing that is wrong with it.
 */
export function checkOptions<const E extends v.ObjectEntries>(
  entries: E,
  value: unknown,
  what: string,
): v.InferOutput<v.StrictObjectSchema<E, undefined>> {
  checkObject(value, '', what);
  // Their own names only: an object of options has a "constructor" and a "toString" too.
  checkOptionNames(value, Object.keys(entries));
  const result = v.safeParse(v.strictObject(entries), value, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  const place = placeOf(issue);
  throw new OptionsError('bad-option', place, `${printable(place)} ${issue.message}`);
}

/**
 * Checks those of an object's options that are in a schema.
 * @param others names of the other ones, which are left alone.
 * @param what names the object in messages: "the options".
 * @throws {OptionsError} for the first thing that is wrong with it.
 */
export function checkPlainOptions<const E extends v.ObjectEntries>(
  entries: E,
  options: object,
  others: readonly string[],
  what: string,
): v.InferOutput<v.StrictObjectSchema<E, undefined>> {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new OptionsError('bad-option', '', `${what} must be an object, not ${shown(options)}`);
  checkOptionNames(options, [...Object.keys(entries), ...others]);
  const plain = Object.fromEntries(
    Object.entries(options).filter(([name]) => !others.includes(name)),
  );
  return checkOptions(entries, plain, what);
}
