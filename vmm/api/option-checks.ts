// SPDX-License-Identifier: MIT
// Checks of objects of options. The first error is reported with its place.

import * as v from 'valibot';
import { printable, unknownName } from '../../devices/plugin/index.ts';
import { OptionsError } from './api-errors.ts';
import { shown } from './option-values.ts';

/** Place of an issue: `devices[0]`, `env.HOME`. */
function placeOf(issue: v.BaseIssue<unknown>): string {
  return (issue.path ?? []).reduce((place, { key }) => {
    if (typeof key === 'number') return `${place}[${key}]`;
    return place === '' ? String(key) : `${place}.${String(key)}`;
  }, '');
}

/**
 * @param option its place, for the error.
 * @param what its name in the message.
 * @throws {OptionsError} when it is not an object, or a list.
 */
function checkObject(value: unknown, option: string, what: string): asserts value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new OptionsError('bad-option', option, `${what} must be an object, not ${shown(value)}`);
}

/**
 * @throws {OptionsError} when it is not an object, or for the first unknown name in it.
 */
export function checkOptionNames(value: object, known: readonly string[], within = ''): void {
  checkObject(value, within, within || 'the options');
  const unknown = Object.keys(value).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const message = unknownName('option', unknown, known);
  throw new OptionsError('unknown-option', unknown, within ? `${within}: ${message}` : message);
}

/**
 * @throws {OptionsError} for the first of the named options that is present and not a
 *   function.
 */
export function checkFunctions(options: object, names: readonly string[], within = ''): void {
  for (const name of names) {
    const value = (options as Record<string, unknown>)[name];
    if (value === undefined || typeof value === 'function') continue;
    const place = within ? `${within}.${name}` : name;
    throw new OptionsError('bad-option', place, `${place} must be a function, not ${shown(value)}`);
  }
}

/** @throws {OptionsError} when the option is present, and neither true nor false. */
export function checkFlag(options: object, name: string): void {
  const value = (options as Record<string, unknown>)[name];
  if (value === undefined || typeof value === 'boolean') return;
  throw new OptionsError('bad-option', name, `${name} must be true or false, not ${shown(value)}`);
}

/**
 * An option that is an object; undefined when it is absent.
 * @throws {OptionsError} when it is not an object.
 */
function objectIn(options: object, name: string): object | undefined {
  const value = (options as Record<string, unknown>)[name];
  if (value === undefined) return undefined;
  checkObject(value, name, name);
  return value;
}

/**
 * @throws {OptionsError} when an option that should be an object of options is present,
 *   and is not one.
 */
export function checkInner(options: object, name: string, known: readonly string[]): void {
  const value = objectIn(options, name);
  if (value) checkOptionNames(value, known, name);
}

/**
 * @param others names in the option that are not in the schema.
 * @throws {OptionsError} when an option that should be an object of plain options is
 *   present, and is not one.
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
 * @param names functions that the option must have, if it is present.
 * @throws {OptionsError} when it lacks one.
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
 * @param what the object's name in messages: "the options".
 * @throws {OptionsError} for the first error.
 */
export function checkOptions<const E extends v.ObjectEntries>(
  entries: E,
  value: unknown,
  what: string,
): v.InferOutput<v.StrictObjectSchema<E, undefined>> {
  checkObject(value, '', what);
  // Own names only: every object inherits "constructor" and "toString".
  checkOptionNames(value, Object.keys(entries));
  const result = v.safeParse(v.strictObject(entries), value, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  const place = placeOf(issue);
  throw new OptionsError('bad-option', place, `${printable(place)} ${issue.message}`);
}

/**
 * Checks the options of an object that are in a schema.
 * @param others names of the other ones, which are not checked.
 * @param what the object's name in messages: "the options".
 * @throws {OptionsError} for the first error.
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
