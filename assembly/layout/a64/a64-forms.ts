// SPDX-License-Identifier: MIT
// The A64 instruction set as one table, from which the decoder, the disassembler and
// their tests are generated: Armv8.0 with LSE, CRC32, RCPC, PAN and SB; floating point
// and Advanced SIMD only as families. A word that no form matches is UNALLOCATED.

import { A64_BRANCHES, A64_DATA_PROCESSING } from './a64-forms-data.ts';
import { A64_FLOATING_POINT, A64_LOADS_AND_STORES } from './a64-forms-memory.ts';

/** Widths of the fields, in bits. */
export const A64_FIELDS: Readonly<Record<string, number>> = {
  sf: 1,
  sh: 1,
  shift: 2,
  imm3: 3,
  imm5: 5,
  imm6: 6,
  imm7: 7,
  imm9: 9,
  imm12: 12,
  imm14: 14,
  imm16: 16,
  imm19: 19,
  imm26: 26,
  immlo: 2,
  immhi: 19,
  immr: 6,
  imms: 6,
  N: 1,
  hw: 2,
  option: 3,
  cond: 4,
  nzcv: 4,
  b5: 1,
  b40: 5,
  S: 1,
  o0: 1,
  op1: 3,
  op2: 3,
  CRn: 4,
  CRm: 4,
  Rd: 5,
  Rn: 5,
  Rm: 5,
  Ra: 5,
  Rt: 5,
  Rt2: 5,
  Rs: 5,
};

/** A field of a form: the position of its lowest bit, and its width in bits. */
export interface A64Field {
  readonly name: string;
  readonly shift: number;
  readonly width: number;
}

/** The words whose bits under `mask` are `value`. Both unsigned. */
export interface A64Pattern {
  readonly mask: number;
  readonly value: number;
}

/** One form of the instruction set. */
export interface A64Form extends A64Pattern {
  readonly name: string;
  /** Class of encodings, as the Arm ARM groups them. */
  readonly group: string;
  /** The extension without which the form is UNDEFINED, or `base`. */
  readonly feature: string;
  readonly fields: readonly A64Field[];
  /** Words of the pattern that are UNALLOCATED nevertheless. */
  readonly exclusions: readonly A64Pattern[];
  /** Assembly language: operands of the disassembler in braces. */
  readonly syntax: string;
}

interface Bits extends A64Pattern {
  readonly fields: readonly A64Field[];
}

/** A pattern from bits as they are written, x for any; the last one is bit `shift`. */
function patternOf(bits: string, shift: number): A64Pattern {
  const scale = 2 ** shift;
  return {
    mask: Number.parseInt(bits.replace(/[01]/g, '1').replace(/x/g, '0'), 2) * scale,
    value: Number.parseInt(bits.replace(/x/g, '0'), 2) * scale,
  };
}

function parseBits(name: string, text: string): Bits {
  const fields: A64Field[] = [];
  let mask = 0;
  let value = 0;
  let at = 32;
  for (const token of text.trim().split(/\s+/)) {
    const width = A64_FIELDS[token] ?? token.length;
    at -= width;
    if (token in A64_FIELDS) fields.push({ name: token, shift: at, width });
    else {
      if (!/^[01x]+$/.test(token)) throw new Error(`${name}: no field is named ${token}`);
      const pattern = patternOf(token, at);
      mask += pattern.mask;
      value += pattern.value;
    }
  }
  if (at !== 0) throw new Error(`${name}: ${32 - at} bits`);
  return { mask, value, fields };
}

/** `!field=bits,field=bits` as a pattern. */
function parseExclusion(name: string, text: string, fields: readonly A64Field[]): A64Pattern {
  let mask = 0;
  let value = 0;
  for (const part of text.trim().slice(1).split(',')) {
    const [key = '', bits = ''] = part.split('=');
    const field = fields.find((one) => one.name === key);
    if (field?.width !== bits.length) throw new Error(`${name}: ${part} is not one of its fields`);
    const pattern = patternOf(bits, field.shift);
    mask += pattern.mask;
    value += pattern.value;
  }
  return { mask, value };
}

function parseForms(table: Readonly<Record<string, readonly string[]>>): A64Form[] {
  return Object.entries(table).flatMap(([key, lines]) => {
    const [group = '', feature = 'base'] = key.split('/');
    return lines.map((line) => {
      const [name = '', bits = '', syntax = '', ...exclusions] = line.split(' : ');
      const parsed = parseBits(name, bits);
      return {
        name,
        group,
        feature,
        ...parsed,
        exclusions: exclusions.map((text) => parseExclusion(name, text, parsed.fields)),
        syntax,
      };
    });
  });
}

const bitsIn = (word: number) => word.toString(2).replace(/0/g, '').length;

/** All forms, those with more fixed bits first. No two match one word. */
export const A64_FORMS: readonly A64Form[] = [
  ...parseForms(A64_DATA_PROCESSING),
  ...parseForms(A64_BRANCHES),
  ...parseForms(A64_LOADS_AND_STORES),
  ...parseForms(A64_FLOATING_POINT),
].sort((a, b) => bitsIn(b.mask) - bitsIn(a.mask));

/** Whether an unsigned word matches a pattern. */
export function matches(word: number, { mask, value }: A64Pattern): boolean {
  return (word & mask) >>> 0 === value;
}

/** Forms that a word may have, indexed by its bits 28 to 24, which most forms fix. */
const BY_TOP: readonly (readonly A64Form[])[] = Array.from({ length: 32 }, (_, top) =>
  A64_FORMS.filter(({ mask, value }) => ((value ^ (top << 24)) & mask & 0x1f000000) === 0),
);

/** The form of an unsigned word; undefined where the word is UNALLOCATED. */
export function formOf(word: number): A64Form | undefined {
  const form = BY_TOP[(word >>> 24) & 31]?.find((one) => matches(word, one));
  return form?.exclusions.some((exclusion) => matches(word, exclusion)) ? undefined : form;
}

/** The fields of a word by name. */
export type A64Fields = Readonly<Record<string, number>>;

/** The fields of a word, given its form. */
export function fieldsOf(word: number, { fields }: A64Form): A64Fields {
  return Object.fromEntries(
    fields.map(({ name, shift, width }) => [name, (word >>> shift) & (2 ** width - 1)]),
  );
}
