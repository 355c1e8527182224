// SPDX-License-Identifier: MIT
// The flags, which are computed only when something reads them. fk is the kind of
// operation that set them, fa and fb are its values: for a comparison its operands (in
// the high half for one of 32 bits, which preserves both orders, sign and overflow), for
// a logical operation the result and 0, otherwise NZCV in bits 31 to 28 of fa.

export const SUB: u32 = 0;
export const LOGIC: u32 = 1;
export const NZCV: u32 = 2;

const N: u32 = 0x80000000;
const Z: u32 = 0x40000000;
const C: u32 = 0x20000000;
const V: u32 = 0x10000000;

function overflow(fa: i64, fb: i64, fk: u32): bool {
  if (fk == SUB) return ((fa ^ fb) & (fa ^ (fa - fb))) < 0;
  return fk == NZCV && (fa & V) != 0;
}

/** C as 0 or 1. */
function carrySet(fa: i64, fb: i64, fk: u32): u32 {
  if (fk == SUB) return u32(u64(fa) >= u64(fb));
  return fk == NZCV ? u32(fa >> 29) & 1 : 0;
}

/** NZCV in bits 31 to 28. */
export function flags(fa: i64, fb: i64, fk: u32): u32 {
  if (fk == NZCV) return u32(fa);
  return (
    (fa - fb < 0 ? N : 0) |
    (fa == fb ? Z : 0) |
    (carrySet(fa, fb, fk) << 29) |
    (overflow(fa, fb, fk) ? V : 0)
  );
}

/** Flags of x + y + carry. */
export function addFlags64(x: u64, y: u64, carry: u32): u32 {
  const sum = x + y + u64(carry);
  const carried = carry != 0 ? sum <= x : sum < x;
  return (
    (i64(sum) < 0 ? N : 0) |
    (sum == 0 ? Z : 0) |
    (carried ? C : 0) |
    (i64((x ^ sum) & (y ^ sum)) < 0 ? V : 0)
  );
}

export function addFlags32(x: u32, y: u32, carry: u32): u32 {
  const wide = u64(x) + u64(y) + u64(carry);
  const sum = u32(wide);
  return (
    (sum & N) |
    (sum == 0 ? Z : 0) |
    (wide >> 32 != 0 ? C : 0) |
    (((x ^ sum) & (y ^ sum)) >> 31 != 0 ? V : 0)
  );
}

/** Whether a condition holds (Arm ARM, ConditionHolds). */
export function conditionHolds(condition: u32, nzcv: u32): bool {
  let holds = true;
  switch (condition >> 1) {
    case 0:
      holds = (nzcv & Z) != 0;
      break;
    case 1:
      holds = (nzcv & C) != 0;
      break;
    case 2:
      holds = (nzcv & N) != 0;
      break;
    case 3:
      holds = (nzcv & V) != 0;
      break;
    case 4:
      holds = (nzcv & (C | Z)) == C;
      break;
    case 5:
      holds = (nzcv & N) >> 3 == (nzcv & V);
      break;
    case 6:
      holds = (nzcv & Z) == 0 && (nzcv & N) >> 3 == (nzcv & V);
      break;
    default:
      return true;
  }
  return holds != ((condition & 1) != 0);
}
