// SPDX-License-Identifier: MIT
// Why an SMMU refuses what a driver has given it: the field, the value, and the limit
// that it violates.

import { bitsOf, type Field, fieldOf } from '../../plugin/index.ts';
import { addressSizeOf } from '../../tables/index.ts';
import type { Words } from '../structure.ts';

/** A reason, and the section that defines it. */
export interface Refusal {
  /** Such as "CD.TG0 = 2, 16 KiB, but IDR5.GRAN16K = 0". */
  readonly text: string;
  /** Section of IHI 0070, unless it begins with another document's number. */
  readonly section: string;
}

/** The ID registers that determine which structures an SMMU accepts. */
export interface JudgingRegisters {
  readonly idr0: number;
  readonly idr1: number;
  readonly idr3: number;
  readonly idr5: number;
}

const WIDEST = 52;

/** Bits of an address by its encoding; the model has none wider than 52. */
export const addressBitsOf = (code: number) => addressSizeOf(code) ?? WIDEST;

/** A field's value, with the field's name in the specification. */
export interface Named {
  readonly name: string;
  readonly value: number;
}

/** Reads fields of a structure. @param prefix such as "STE". */
export function structureReader(words: Words, prefix: string) {
  return (name: string, field: Field): Named => ({
    name: `${prefix}.${name}`,
    value: fieldOf(words, field),
  });
}

/** Reads a field of an ID register. */
export function registerField(register: string, word: number) {
  return (name: string, field: Field): Named => ({
    name: `${register}.${name}`,
    value: bitsOf(word, field),
  });
}

/** A value as text: "STE.S2TG = 3". */
export const told = ({ name, value }: Named) => `${name} = ${value}`;
