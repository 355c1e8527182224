// SPDX-License-Identifier: MIT
// Schemas of plain option values, with the messages about wrong ones.

import * as v from 'valibot';
import { printable } from '../../devices/plugin/index.ts';
import { isPowerOfTwo } from '../../devices/plugin/power-of-two.ts';

/** A value in the form that messages show. */
export function shown(value: unknown): string {
  if (typeof value === 'bigint' || typeof value === 'function') return typeof value;
  if (typeof value === 'number') return String(value);
  return printable(JSON.stringify(value) ?? String(value));
}

export const expected = (what: string) => (issue: { readonly input: unknown }) =>
  `must be ${what}, not ${shown(issue.input)}`;

export const MAX_COUNT = 2 ** 32 - 1;

export function integer(least: number, most: number) {
  const say = expected(`an integer from ${least} to ${most}`);
  return v.pipe(v.number(say), v.integer(say), v.minValue(least, say), v.maxValue(most, say));
}

/** A power of two. */
export function powerOfTwo(most: number) {
  const say = expected(`a power of two from 1 to ${most}`);
  return v.pipe(
    v.number(say),
    v.check((value) => isPowerOfTwo(value, most), say),
  );
}

export function oneOf<const T extends readonly string[]>(choices: T) {
  return v.picklist(choices, expected(`one of ${choices.join(', ')}`));
}

export const text = v.pipe(v.string(expected('text')), v.nonEmpty('must not be empty'));
export const yesNo = v.boolean(expected('true or false'));
export const texts = v.array(v.string(expected('text')), expected('a list of texts'));

const hasNul = (value: string) => value.includes('\0');
/** Strings for a guest, which end with a NUL there. */
export const words = v.array(
  v.pipe(
    v.string(expected('text')),
    v.check((word) => !hasNul(word), expected('text without NUL')),
  ),
  expected('a list of texts'),
);

/**
 * An object of strings with any names. valibot's own schema accepts a list, and drops
 * members named like those of Object.prototype.
 */
export const environment = v.pipe(
  v.custom<Readonly<Record<string, string>>>(
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    expected('an object of texts'),
  ),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const { value: input } = dataset;
    for (const [key, value] of Object.entries<unknown>(input)) {
      if (key === '' || key.includes('=') || hasNul(key)) {
        addIssue({ message: `must have names without = and NUL, not ${shown(key)}` });
        continue;
      }
      if (typeof value === 'string' && !hasNul(value)) continue;
      const what = typeof value === 'string' ? 'text without NUL' : 'text';
      const message = expected(what)({ input: value });
      addIssue({ message, path: [{ type: 'object', origin: 'value', input, key, value }] });
    }
  }),
);

/**
 * The name of an option and its value on the command line, unless they follow from its
 * name and type.
 */
export interface Flag {
  readonly flag?: string;
  readonly value?: string;
  /** The flag means false, for options that are true by default. */
  readonly negative?: boolean;
}

/** An optional option, with its line in `--help`. */
export function option<const S extends v.GenericSchema>(
  schema: S,
  description: string,
  flag: Flag = {},
) {
  return v.pipe(v.optional(schema), v.description(description), v.metadata({ ...flag }));
}
