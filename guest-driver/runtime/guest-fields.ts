// SPDX-License-Identifier: MIT
// Bit fields for AssemblyScript: the packed (32-bit word << 16) | (lowest bit << 8) |
// width constants of assembly/layout. With a constant field every function here folds to
// a shift and a mask.

function maskOf(field: u32): u32 {
  const width = field & 0xff;
  return width >= 32 ? 0xffffffff : (1 << width) - 1;
}

/** The field's value in its word. */
export function bitsOf(word: u32, field: u32): u32 {
  return (word >> ((field >> 8) & 0xff)) & maskOf(field);
}

/** A word that is 0 except for the field. */
export function place(field: u32, value: u32): u32 {
  return (value & maskOf(field)) << ((field >> 8) & 0xff);
}

/** `word` with the field replaced. */
export function withBits(word: u32, field: u32, value: u32): u32 {
  return (word & ~place(field, 0xffffffff)) | place(field, value);
}

/** The field's value in a structure of 32-bit words at a memory offset. */
export function loadField(structure: usize, field: u32): u32 {
  return bitsOf(load<u32>(structure + ((field >> 16) << 2)), field);
}

/** Replaces the field in a structure of 32-bit words at a memory offset. */
export function storeField(structure: usize, field: u32, value: u32): void {
  const word = structure + ((field >> 16) << 2);
  store<u32>(word, withBits(load<u32>(word), field, value));
}
