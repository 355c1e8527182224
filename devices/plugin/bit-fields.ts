// SPDX-License-Identifier: MIT
// Bit fields for TypeScript: the packed {word32, shift, width} constants of
// assembly/layout.

/** A field packed as (32-bit word << 16) | (shift << 8) | width. */
export type Field = number;

/** Mask of a field's width, unsigned. */
function maskOf(field: Field): number {
  return 0xffffffff >>> (32 - (field & 0xff));
}

/** The field's value in the one word that contains it, unsigned. */
export function bitsOf(word: number, field: Field): number {
  return ((word >>> ((field >>> 8) & 0xff)) & maskOf(field)) >>> 0;
}

/** `word` with the field replaced by the low bits of `value`, unsigned. */
export function withBits(word: number, field: Field, value: number): number {
  const shift = (field >>> 8) & 0xff;
  const mask = maskOf(field);
  return ((word & ~(mask << shift)) | ((value & mask) << shift)) >>> 0;
}

/** The bits that a field covers in its word, unsigned. */
export function maskInWord(field: Field): number {
  return (maskOf(field) << ((field >>> 8) & 0xff)) >>> 0;
}

/** Index of the 32-bit word that contains the field. */
export function wordOf(field: Field): number {
  return field >>> 16;
}

/** The field's value in a structure of 32-bit words. */
export function fieldOf(words: ArrayLike<number>, field: Field): number {
  return bitsOf(words[wordOf(field)] ?? 0, field);
}

/** Replaces the field in a structure of 32-bit words. */
export function setField(words: Uint32Array | number[], field: Field, value: number): void {
  const index = wordOf(field);
  words[index] = withBits(words[index] ?? 0, field, value);
}
