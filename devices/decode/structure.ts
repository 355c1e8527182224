// SPDX-License-Identifier: MIT
// Decoding of structures from the layout tables: the fields and their places come from
// assembly/layout alone; this file adds the specification's spelling and the meaning of
// values.

import { type Field, fieldOf, wordOf } from '../plugin/index.ts';

/** 32-bit words of a structure, lowest first. Missing words are 0. */
export type Words = ArrayLike<number>;

/** One field of a decoded structure. */
export interface DecodedField {
  /** Name in the specification; 'reserved' for set bits that belong to no field. */
  readonly name: string;
  /**
   * Place of the field: the 64-bit doubleword, counted from 0, and its highest and lowest
   * bit there.
   */
  readonly doubleword: number;
  readonly high: number;
  readonly low: number;
  /**
   * Unsigned. An address is complete: its low bits that are not stored in the field are
   * 0.
   */
  readonly value: bigint;
  /** Meaning of the value; empty when the value is self-explanatory. */
  readonly meaning: string;
  /** The SMMU ignores the field because of other fields. */
  readonly ignored: boolean;
}

/** A decoded structure. */
export interface Decoded {
  /**
   * Kind of structure, such as 'STE', 'TLBI_NH_VA', 'F_TRANSLATION', 'page descriptor'.
   */
  readonly name: string;
  /** Its effect or meaning in one phrase. */
  readonly summary: string;
  /** In the order of their bits. */
  readonly fields: readonly DecodedField[];
}

/** Information about a field apart from its bits. */
export interface FieldText {
  /**
   * Spelling in the specification, where it differs from the layout's name without the
   * prefix.
   */
  readonly name?: string;
  /**
   * Meaning of each value from 0 on, values after the last being reserved; or a function.
   * Empty when the value is self-explanatory.
   */
  readonly means?: readonly string[] | ((value: number, words: Words) => string);
  /** True when the SMMU uses the field; default always. */
  readonly used?: (words: Words) => boolean;
}

/** A layout file: its exports by name. */
type Layout = Readonly<Record<string, number>>;

/**
 * Texts for the fields of a layout file. The text of a field that is split at a word
 * boundary (`X_LO`, `X_HI`) is at `X_LO`.
 */
export type FieldTexts<L> = { readonly [name in keyof L & string]?: FieldText };

/**
 * Names of the exports with a prefix that are fields: not the structure's size, nor a
 * value of another field (`X_VALUE` of `X`).
 */
export function fieldNames<L extends Layout>(layout: L, prefix: string): (keyof L & string)[] {
  const names = Object.keys(layout).filter(
    (name) => name.startsWith(prefix) && name !== `${prefix}SIZE`,
  );
  return names.filter((name) => !names.some((other) => name.startsWith(`${other}_`)));
}

const shiftOf = (field: Field) => (field >>> 8) & 0xff;
const widthOf = (field: Field) => field & 0xff;

function meaningOf({ means }: FieldText, value: bigint, words: Words): string {
  if (means === undefined) return '';
  if (typeof means === 'function') return means(Number(value), words);
  return means[Number(value)] ?? 'reserved';
}

/**
 * Decodes one field.
 * @param spelling its name, unless `text` has one.
 * @param hi the upper half of a field that is split at a word boundary; `lo` is the lower
 *   half.
 */
export function decodeField(
  words: Words,
  spelling: string,
  text: FieldText,
  lo: Field,
  hi?: Field,
): DecodedField {
  const shift = shiftOf(lo);
  const inWord = 32 * (wordOf(lo) % 2);
  const upper = hi === undefined ? 0n : BigInt(fieldOf(words, hi)) << 32n;
  const value =
    hi === undefined
      ? BigInt(fieldOf(words, lo))
      : upper | (BigInt(fieldOf(words, lo)) << BigInt(shift));
  return {
    name: text.name ?? spelling,
    doubleword: wordOf(lo) >>> 1,
    high: hi === undefined ? inWord + shift + widthOf(lo) - 1 : 32 + shiftOf(hi) + widthOf(hi) - 1,
    low: inWord + shift,
    value,
    meaning: meaningOf(text, value, words),
    ignored: text.used ? !text.used(words) : false,
  };
}

/** Runs of set bits that no field covers. */
function reservedBits(words: Words, size: number, fields: readonly DecodedField[]): DecodedField[] {
  const left = Array.from(
    { length: size },
    (_, i) => (BigInt((words[2 * i + 1] ?? 0) >>> 0) << 32n) | BigInt((words[2 * i] ?? 0) >>> 0),
  );
  for (const { doubleword, high, low } of fields) {
    left[doubleword] =
      (left[doubleword] ?? 0n) & ~(((1n << BigInt(high - low + 1)) - 1n) << BigInt(low));
  }
  return left.flatMap((bits, doubleword) => {
    const runs: DecodedField[] = [];
    for (let low = 0, rest = bits; rest !== 0n; ) {
      for (; (rest & 1n) === 0n; low++) rest >>= 1n;
      let high = low;
      for (rest >>= 1n; (rest & 1n) !== 0n; high++) rest >>= 1n;
      const value = (1n << BigInt(high - low + 1)) - 1n;
      runs.push({
        name: 'reserved',
        doubleword,
        high,
        low,
        value,
        meaning: 'bits without a field here',
        ignored: true,
      });
      low = high + 1;
    }
    return runs;
  });
}

const byPosition = (a: DecodedField, b: DecodedField) =>
  a.doubleword - b.doubleword || a.low - b.low;

/**
 * Decodes fields of a structure.
 * @param size number of 64-bit doublewords of the structure; set bits outside the fields
 *   are returned as 'reserved'.
 * @param names the exports of `layout` that are its fields.
 * @param more fields that no layout file has, because their place depends on other
 *   fields.
 */
export function decodeFields<L extends Layout>(
  words: Words,
  size: number,
  layout: L,
  names: readonly (keyof L & string)[],
  texts: FieldTexts<L>,
  more: readonly DecodedField[] = [],
): DecodedField[] {
  const fields = [...more];
  for (const name of names) {
    // The upper half of a split field is decoded with its lower half.
    if (name.endsWith('_HI')) continue;
    const split = name.endsWith('_LO');
    const spelling = name.slice(name.indexOf('_') + 1).replace(/_LO$/, '');
    fields.push(
      decodeField(
        words,
        spelling,
        texts[name] ?? {},
        layout[name] ?? 0,
        split ? layout[name.replace(/_LO$/, '_HI')] : undefined,
      ),
    );
  }
  return [...fields, ...reservedBits(words, size, fields)].sort(byPosition);
}
