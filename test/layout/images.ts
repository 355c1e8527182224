// SPDX-License-Identifier: MIT
// Byte images of the layout tests: structures as 64-bit words in hexadecimal, as the
// specification prints them (bit 63 first).

import { expect } from 'vitest';
import { type Field, fieldOf, setField } from '../../devices/plugin/index.ts';

/** A field and its value in an image. */
export type FieldValue = readonly [field: Field, value: number];

/** An image derived by hand: its name, its fields, its doublewords. */
export type Image = readonly [name: string, fields: readonly FieldValue[], doublewords: string];

/**
 * 32-bit words, low word first, of doublewords such as "0005000300000012
 * 0000000012345001".
 */
export function wordsOf(doublewords: string): number[] {
  return doublewords
    .split(' ')
    .flatMap((hex) => [Number.parseInt(hex.slice(8), 16), Number.parseInt(hex.slice(0, 8), 16)]);
}

export function doublewordsOf(words: readonly number[]): string {
  const hex = (i: number) => (words[i] ?? 0).toString(16).padStart(8, '0');
  return Array.from({ length: words.length / 2 }, (_, i) => hex(2 * i + 1) + hex(2 * i)).join(' ');
}

/** Builds the image from its fields, and extracts the fields from the image. */
export function expectImage([, fields, doublewords]: Image): void {
  const built = wordsOf(doublewords).fill(0);
  for (const [field, value] of fields) setField(built, field, value);
  expect(doublewordsOf(built)).toBe(doublewords);
  const words = wordsOf(doublewords);
  expect(fields.map(([field]) => fieldOf(words, field))).toEqual(fields.map(([, value]) => value));
}

/**
 * Bits of a field in the notation of the specification. In a structure of 64-bit words:
 * doubleword, highest and lowest bit.
 */
export type Bits = readonly [doubleword: number, high: number, low: number];

/** Packs bits by the definition of a packed field. */
export function packed([doubleword, high, low]: Bits): Field {
  const word = 2 * doubleword + (low >= 32 ? 1 : 0);
  return (word << 16) | ((low % 32) << 8) | (high - low + 1);
}

/** Pairs of fields of one structure that share a bit. */
export function overlaps(fields: Readonly<Record<string, Field>>): string[] {
  const owner = new Map<number, string>();
  const found: string[] = [];
  for (const [name, field] of Object.entries(fields)) {
    const first = (field >>> 16) * 32 + ((field >>> 8) & 0xff);
    for (let bit = first; bit < first + (field & 0xff); bit++) {
      const other = owner.get(bit);
      if (other !== undefined) found.push(`${other} and ${name} at bit ${bit}`);
      owner.set(bit, name);
    }
  }
  return found;
}

/** Fields of a layout file: its exports except the named plain numbers. */
export function fieldsOf(
  layout: Readonly<Record<string, number>>,
  numbers: RegExp,
): Record<string, Field> {
  return Object.fromEntries(Object.entries(layout).filter(([name]) => !numbers.test(name)));
}

/** Compares every field of a layout file with its bits in the specification. */
export function expectFields(
  fields: Readonly<Record<string, Field>>,
  specified: Readonly<Record<string, Bits>>,
): void {
  const wanted = Object.fromEntries(
    Object.entries(specified).map(([name, bits]) => [name, packed(bits)]),
  );
  expect(fields).toEqual(wanted);
}
