// SPDX-License-Identifier: MIT
// Checks of options, fields and events by name: the one-line message about an unknown
// name suggests a known one.

import { printable } from './printable.ts';

/**
 * Number of single-character edits between two names; a swap of two neighbours counts as
 * one.
 */
function edits(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      next[j] = Math.min(
        (row[j] ?? 0) + 1,
        (next[j - 1] ?? 0) + 1,
        (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1),
        swapped ? (before[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}

/** The known name that was probably meant: at most a third of its characters differ. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const lower = name.slice(0, 64).toLowerCase();
  const ranked = known
    .map((one) => ({ one, distance: edits(lower, one.toLowerCase()) }))
    .filter(({ one, distance }) => distance <= Math.max(1, Math.floor(one.length / 3)))
    .sort((a, b) => a.distance - b.distance);
  return ranked[0]?.one;
}

/**
 * The message about an unknown name: `there is no event "chekc": did you mean "check"?`,
 * or with all known names when none is similar.
 * @param what the kind of name: "option".
 * @throws {TypeError} when an argument has the wrong type.
 */
export function unknownName(what: string, name: string, known: readonly string[]): string {
  for (const [which, value] of Object.entries({ what, name }))
    if (typeof value !== 'string')
      throw new TypeError(`unknownName: ${which} must be text, not ${typeOf(value)}`);
  if (!Array.isArray(known))
    throw new TypeError(`unknownName: known must be a list, not ${typeOf(known)}`);
  const near = nearestName(name, known);
  const hint = near === undefined ? `there are ${known.join(', ')}` : `did you mean "${near}"?`;
  return `there is no ${what} "${printable(name)}"${near === undefined ? '; ' : ': '}${hint}`;
}

/** The name of a value's type in messages. */
export const typeOf = (value: unknown) => (value === null ? 'null' : typeof value);

/** A value in a message: itself if it is short, otherwise its type. */
export function shownValue(value: unknown): string {
  if (value instanceof Promise) return 'a Promise';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 40));
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : typeOf(value);
}

/**
 * All names of an options type, in the order in which messages list them. It does not
 * compile with a name missing, or one too many.
 */
export function allNamesOf<T extends object>(
  names: Readonly<Record<keyof T & string, true>>,
): readonly (keyof T & string)[] {
  return Object.keys(names) as (keyof T & string)[];
}

/**
 * Checks the names in an object of options or fields.
 * @param what the object's name in messages: "deviceContract".
 * @throws {TypeError} for the first unknown name, or when the value is not an object.
 */
export function checkNames(value: unknown, known: readonly string[], what: string): void {
  if (typeof value !== 'object' || value === null)
    throw new TypeError(`${what} takes an object, not ${typeOf(value)}`);
  // A loop instead of a list of names: an object of options comes with each request, and
  // this allocates nothing.
  for (const name in value)
    if (!known.includes(name) && Object.hasOwn(value, name))
      throw new TypeError(`${what}: ${unknownName('option', name, known)}`);
}

/**
 * Checks that required options are present.
 * @param what the object's name in messages: "PhysicalSmmu".
 * @throws {TypeError} for the first one that is missing.
 */
export function checkGiven<T extends object>(
  options: T,
  names: readonly (keyof T & string)[],
  what: string,
): void {
  for (const name of names)
    if (options[name] === undefined) throw new TypeError(`${what}: ${name} is missing`);
}

/** @throws {TypeError} unless the value is a function. */
export function checkRequiredFunction(value: unknown, what: string): void {
  if (typeof value !== 'function')
    throw new TypeError(`${what} must be a function, not ${typeOf(value)}`);
}

/**
 * Names of an object's functions, including those on a class's prototype. No getter is
 * called.
 */
export function functionNames(value: object): string[] {
  return [value, Object.getPrototypeOf(value) ?? {}]
    .flatMap((owner: object) => Object.entries(Object.getOwnPropertyDescriptors(owner)))
    .filter(([, property]) => typeof property.value === 'function')
    .map(([name]) => name);
}

/**
 * Checks the functions that an object may have. It may have others too, but none with a
 * misspelt name of these, which would never be called.
 * @param what the object's name in messages: "SmmuEndpoint: memory".
 * @throws {TypeError} for one that is not a function, or whose name is similar to that of
 *   an absent one.
 */
export function checkOptionalMethods(value: object, names: readonly string[], what: string): void {
  const functions = value as Readonly<Record<string, unknown>>;
  for (const name of names) {
    checkFunction(functions[name], `${what}.${name}`);
    if (functions[name] !== undefined) continue;
    const misspelt = functionNames(value).find(
      (own) => !names.includes(own) && edits(own.toLowerCase(), name.toLowerCase()) <= 1,
    );
    if (misspelt !== undefined)
      throw new TypeError(`${what}: ${unknownName('function', misspelt, [name])}`);
  }
}

/** @throws {TypeError} unless the value is a function, or absent. */
export function checkFunction(value: unknown, what: string): void {
  if (value !== undefined) checkRequiredFunction(value, what);
}
