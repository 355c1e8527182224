// SPDX-License-Identifier: MIT
// Options, fields and events by names: one that there is not is told in one line, with the one
// that was meant.

import { printable } from './printable.ts';

/** Single-character edits between two names; a swap of two neighbours is one. */
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

/** The known name that was probably meant: at most a third of its characters are others. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const lower = name.slice(0, 64).toLowerCase();
  const ranked = known
    .map((one) => ({ one, distance: edits(lower, one.toLowerCase()) }))
    .filter(({ one, distance }) => distance <= Math.max(1, Math.floor(one.length / 3)))
    .sort((a, b) => a.distance - b.distance);
  return ranked[0]?.one;
}

/**
 * What to say of a name that there is not: `there is no event "chekc": did you mean "check"?`, or
 * with all that there are, when none is near.
 * @param what what it would be the name of: "option".
 * @throws {TypeError} when an argument has another type.
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

/** What messages call a value's type. */
export const typeOf = (value: unknown) => (value === null ? 'null' : typeof value);

/** A value in a message: itself where that is short, otherwise what it is. */
export function shownValue(value: unknown): string {
  if (value instanceof Promise) return 'a Promise';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 40));
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : typeOf(value);
}

/**
 * All names of a type of options, in the order in which they are told: it does not compile with one
 * missing, or one too many.
 */
export function allNamesOf<T extends object>(
  names: Readonly<Record<keyof T & string, true>>,
): readonly (keyof T & string)[] {
  return Object.keys(names) as (keyof T & string)[];
}

/**
 * Looks at the names in an object of options or fields.
 * @param what where they stand: "deviceContract".
 * @throws {TypeError} for the first name that is not known, or when it is no object.
 */
export function checkNames(value: unknown, known: readonly string[], what: string): void {
  if (typeof value !== 'object' || value === null)
    throw new TypeError(`${what} takes an object, not ${typeOf(value)}`);
  // Not by a list of its names: objects of options come with each request, and this allocates nothing.
  for (const name in value)
    if (!known.includes(name) && Object.hasOwn(value, name))
      throw new TypeError(`${what}: ${unknownName('option', name, known)}`);
}

/**
 * Looks for what an object of options cannot do without.
 * @param what where they stand: "PhysicalSmmu".
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

/** Names of an object's functions, which a class has on its prototype. No getter is called. */
export function functionNames(value: object): string[] {
  return [value, Object.getPrototypeOf(value) ?? {}]
    .flatMap((owner: object) => Object.entries(Object.getOwnPropertyDescriptors(owner)))
    .filter(([, property]) => typeof property.value === 'function')
    .map(([name]) => name);
}

/**
 * Looks at the functions that an object may have. It may have others besides, but none under a misspelt
 * name of these: that one would never be called.
 * @param what names the object: "SmmuEndpoint: memory".
 * @throws {TypeError} for one that is no function, or whose name is almost that of one that is absent.
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
