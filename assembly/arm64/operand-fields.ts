// SPDX-License-Identifier: MIT
// Operands in the format of records, for decoding, apart from plain masks.

/** Offset of a register where 31 is XZR. */
export function zrOf(register: u32): u32 {
  return ((register + 1) & 31) << 3;
}

/** Offset of a register, relative to X0, where 31 is SP. */
export function spOf(register: u32): u32 {
  return register << 3;
}

/** Sign-extends a field of `width` bits. */
export function signed(value: u32, width: i32): i32 {
  return i32(value << (32 - width)) >> (32 - width);
}

/** Whether a branch stays in its page: `at` is its offset in the page, both in bytes. */
export function isNear(offset: i32, at: u32): bool {
  return u32(offset + i32(at)) < 0x1000;
}

// A mask of 64 bits from an immediate is c, c twice, or rotated ones.
export const MASK_C: u32 = 0;
export const MASK_T: u32 = 1;
const MASK_ROTATED: u32 = 2;

function rotatedOnes(imms: u32, immr: u32): u64 {
  return rotr<u64>(u64(-1) >> u64(63 - imms), immr);
}

export function maskKind(n: u32, imms: u32, immr: u32): u32 {
  if (n == 0) return MASK_T;
  return rotatedOnes(imms, immr) >> 32 == 0 ? MASK_C : MASK_ROTATED;
}

/** The low half of the mask that `maskOperand` has encoded. */
export function maskOf(c: u32, kind: u32): u32 {
  return kind == MASK_ROTATED ? u32(rotatedOnes(63 - (c & 0xff), c >> 8)) : c;
}

/**
 * Field c of a record with an immediate mask (Arm ARM, DecodeBitMasks). The encoding must
 * not be reserved.
 */
export function maskOperand(n: u32, imms: u32, immr: u32, kind: u32): u32 {
  if (kind == MASK_ROTATED) return (63 - imms) | (immr << 8);
  if (n != 0) return u32(rotatedOnes(imms, immr));
  const log2 = 31 - clz<u32>(~imms & 0x3f);
  const size: u32 = 1 << log2;
  const rotate = immr & (size - 1);
  const ones = u32((u64(1) << ((imms & (size - 1)) + 1)) - 1);
  const all = u32((u64(1) << size) - 1);
  let pattern = rotate == 0 ? ones : ((ones >> rotate) | (ones << (size - rotate))) & all;
  for (let width = size; width < 32; width <<= 1) pattern |= pattern << width;
  return pattern;
}
