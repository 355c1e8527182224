// SPDX-License-Identifier: MIT
// Bit fields packed as in assembly/layout: (32-bit word << 16) | (shift << 8) | width.
// Constant arguments are folded.

/** The value of a field, given the word that contains it. */
export function bits(word: u32, field: i32): u32 {
  return (word >> ((field >> 8) & 0xff)) & (u32(-1) >> (32 - (field & 0xff)));
}

/** The value of a field of a structure in memory. */
export function fieldAt(address: usize, field: i32): u32 {
  return bits(load<u32>(address + ((field >> 16) << 2)), field);
}

/** `value` shifted to the field's position in its word. */
export function placed(value: u32, field: i32): u32 {
  return (value & (u32(-1) >> (32 - (field & 0xff)))) << ((field >> 8) & 0xff);
}

/** Mask of the field's bits in its word. */
export function maskOf(field: i32): u32 {
  return (u32(-1) >> (32 - (field & 0xff))) << ((field >> 8) & 0xff);
}

/** The field's position in its word. */
export function shiftOf(field: i32): u32 {
  return (field >> 8) & 0xff;
}
