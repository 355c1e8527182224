// SPDX-License-Identifier: MIT
// Flags and conditions. They are lazy like the interpreter's
// (assembly/arm64/lazy-flags.ts), but their origin is mostly known where they are read.

import type { RegionCode } from './region-code.ts';
import { FA, FB, FK, T0, T1, T2 } from './register-code.ts';
import { OP } from './wasm-writer.ts';

// Kinds of flags.
const SUB = 0;
const LOGIC = 1;
const NZCV = 2;
// Sets of kinds.
const IS_SUB = 1 << SUB;
const IS_LOGIC = 1 << LOGIC;
const IS_NZCV = 1 << NZCV;

const N_BIT = 31;
const Z_BIT = 30;
const C_BIT = 29;
const V_BIT = 28;

function setKind(code: RegionCode, kind: number): void {
  code.i32(kind);
  code.set(FK);
  code.writeFlags(1 << kind);
}

/** A comparison: FA and FB have been set. */
export function compared(code: RegionCode): void {
  setKind(code, SUB);
}

/** Flags of the i64 on the stack, a logical result. */
export function logical(code: RegionCode): void {
  code.set(FA);
  code.i64(0);
  code.set(FB);
  setKind(code, LOGIC);
}

/** Flags of T0 + T1, with the sum in T2: 32-bit operands are in the high half. */
export function added(code: RegionCode): void {
  const bit = (shift: number) => {
    code.op(OP.i64ExtendI32U);
    code.i64(shift);
    code.op(OP.i64Shl, OP.i64Or);
  };
  code.get(T2);
  code.i64(32);
  code.op(OP.i64ShrU);
  code.i64(1n << BigInt(N_BIT));
  code.op(OP.i64And);
  code.get(T2);
  code.op(OP.i64Eqz);
  bit(Z_BIT);
  code.get(T2);
  code.get(T0);
  code.op(OP.i64LtU);
  bit(C_BIT);
  for (const operand of [T0, T1]) {
    code.get(operand);
    code.get(T2);
    code.op(OP.i64Xor);
  }
  code.op(OP.i64And);
  code.i64(0);
  code.op(OP.i64LtS);
  bit(V_BIT);
  code.set(FA);
  setKind(code, NZCV);
}

/**
 * CCMP: the comparison of T0 and T1 when the i32 on the stack is not 0, otherwise the
 * flags `nzcv`.
 */
export function comparedIf(code: RegionCode, nzcv: number): void {
  code.open(OP.if);
  code.get(T0);
  code.set(FA);
  code.get(T1);
  code.set(FB);
  code.i32(SUB);
  code.set(FK);
  code.otherwise();
  code.i64(BigInt(nzcv) << BigInt(V_BIT));
  code.set(FA);
  code.i32(NZCV);
  code.set(FK);
  code.close();
  code.writeFlags(IS_SUB | IS_NZCV);
}

/** Pushes whether a bit of known flags is 1. */
function bitOf(code: RegionCode, bit: number): void {
  code.get(FA);
  code.i64(1n << BigInt(bit));
  code.op(OP.i64And);
  code.i64(0);
  code.op(OP.i64Ne);
}

/** Compares FA with FB. */
function comparison(code: RegionCode, opcode: number): void {
  code.get(FA);
  code.get(FB);
  code.op(opcode);
}

/** N equals V, and Z is 0 if it matters. */
function knownOrder(code: RegionCode, orEqual: boolean): void {
  code.get(FA);
  code.get(FA);
  code.i64(N_BIT - V_BIT);
  code.op(OP.i64Shl, OP.i64Xor);
  if (!orEqual) {
    // Z is read like a difference: it is in the place of N.
    code.get(FA);
    code.i64(N_BIT - Z_BIT);
    code.op(OP.i64Shl, OP.i64Or);
  }
  code.i64(1n << BigInt(N_BIT));
  code.op(OP.i64And, OP.i64Eqz);
}

/**
 * A condition for flags of each kind. LOGIC is like SUB, except for carry and overflow.
 */
interface Condition {
  sub(code: RegionCode): void;
  logic(code: RegionCode): void;
  nzcv(code: RegionCode): void;
}

const never = (code: RegionCode) => code.i32(0);

function ordered(opcode: number, nzcv: (code: RegionCode) => void): Condition {
  const sub = (code: RegionCode) => comparison(code, opcode);
  return { sub, logic: sub, nzcv };
}

const negative = (code: RegionCode) => {
  comparison(code, OP.i64Sub);
  code.i64(0);
  code.op(OP.i64LtS);
};

/** Conditions by number / 2: the odd ones negate the even ones. */
const CONDITIONS: readonly Condition[] = [
  ordered(OP.i64Eq, (code) => bitOf(code, Z_BIT)),
  {
    sub: (code) => comparison(code, OP.i64GeU),
    logic: never,
    nzcv: (code) => bitOf(code, C_BIT),
  },
  { sub: negative, logic: negative, nzcv: (code) => bitOf(code, N_BIT) },
  {
    sub(code) {
      comparison(code, OP.i64Xor);
      code.get(FA);
      comparison(code, OP.i64Sub);
      code.op(OP.i64Xor, OP.i64And);
      code.i64(0);
      code.op(OP.i64LtS);
    },
    logic: never,
    nzcv: (code) => bitOf(code, V_BIT),
  },
  {
    sub: (code) => comparison(code, OP.i64GtU),
    logic: never,
    nzcv(code) {
      code.get(FA);
      code.i64((1n << BigInt(C_BIT)) | (1n << BigInt(Z_BIT)));
      code.op(OP.i64And);
      code.i64(1n << BigInt(C_BIT));
      code.op(OP.i64Eq);
    },
  },
  ordered(OP.i64GeS, (code) => knownOrder(code, true)),
  ordered(OP.i64GtS, (code) => knownOrder(code, false)),
];
/** Conditions that are always true are 14 and 15. */
const ALWAYS = 14;

/** For flags whose kind is only known at run time. */
function dynamic(code: RegionCode, { sub, logic, nzcv }: Condition, kinds: number): void {
  sub(code);
  if (logic !== sub && (kinds & IS_LOGIC) !== 0) {
    logic(code);
    code.get(FK);
    code.i32(LOGIC);
    code.op(OP.i32Ne, OP.select);
  }
  if ((kinds & IS_NZCV) === 0) return;
  nzcv(code);
  code.get(FK);
  code.i32(NZCV);
  code.op(OP.i32Ne, OP.select);
}

/** Pushes the value of a condition, as an i32. */
export function condition(code: RegionCode, number: number): void {
  const one = CONDITIONS[number >> 1];
  if (!one || number >= ALWAYS) {
    code.i32(1);
    return;
  }
  const kinds = code.flags;
  code.readFlags();
  if (kinds === IS_SUB) one.sub(code);
  else if (kinds === IS_LOGIC) one.logic(code);
  else if (kinds === IS_NZCV) one.nzcv(code);
  else dynamic(code, one, kinds);
  if ((number & 1) !== 0) code.op(OP.i32Eqz);
}

/** The carry flag as an i32. */
export function carry(code: RegionCode): void {
  condition(code, 2);
}
