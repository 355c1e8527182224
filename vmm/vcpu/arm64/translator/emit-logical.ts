// SPDX-License-Identifier: MIT
// Logical operations, moves, bit fields, shifts, and operations on the bits of one
// register.

import type { A64Fields } from '../../../../assembly/layout/a64/a64-forms.ts';
import { addressDistance, bitMaskOf, fieldOf, isWide } from '../a64-fields.ts';
import { setCut, shifted } from './emit-arithmetic.ts';
import { logical } from './emit-flags.ts';
import { PAGE_SIZE, pageOf } from './places.ts';
import type { EmitPlan, EmitPlans } from './plan.ts';
import type { RegionCode } from './region-code.ts';
import { FA, T0 } from './register-code.ts';
import { OP } from './wasm-writer.ts';

const sizeOf = (f: A64Fields) => (isWide(f) ? 64 : 32);
const maskOf = (width: number) => (1n << BigInt(width)) - 1n;

/** ANDS and BICS: flags of the i64 on the stack, and the result. */
function setWithFlags(code: RegionCode, f: A64Fields): void {
  if (!isWide(f)) code.op(OP.i64Extend32S);
  logical(code);
  if (fieldOf(f, 'Rd') === 31) return;
  code.get(FA);
  setCut(code, f);
}

function immediate(opcode: number, flags = false): EmitPlan {
  return (f) => {
    const mask = bitMaskOf(f);
    // A result that may misalign SP is left to the interpreter.
    const isAligned = opcode === OP.i64And && (mask & 15n) === 0n;
    if (!flags && fieldOf(f, 'Rd') === 31 && !isAligned) return undefined;
    return (code) => {
      code.x(fieldOf(f, 'Rn'));
      code.i64(mask);
      code.op(opcode);
      if (flags) {
        setWithFlags(code, f);
        return;
      }
      if (!isWide(f)) code.cut();
      code.setXOrSp(fieldOf(f, 'Rd'));
    };
  };
}

function register(opcode: number, invert: boolean, flags = false): EmitPlan {
  return (f) => (code) => {
    const isMove = opcode === OP.i64Or && fieldOf(f, 'Rn') === 31;
    if (!isMove) code.x(fieldOf(f, 'Rn'));
    code.x(fieldOf(f, 'Rm'));
    shifted(code, fieldOf(f, 'shift'), fieldOf(f, 'imm6'), isWide(f));
    if (invert) code.invert();
    if (!isMove) code.op(opcode);
    if (flags) setWithFlags(code, f);
    else setCut(code, f);
  };
}

const wideValue = (f: A64Fields) => BigInt(fieldOf(f, 'imm16')) << BigInt(16 * fieldOf(f, 'hw'));
const cutValue = (f: A64Fields, value: bigint) => BigInt.asUintN(sizeOf(f), value);

function move(value: (f: A64Fields) => bigint): EmitPlan {
  return (f) => (code) => {
    code.i64(cutValue(f, value(f)));
    code.setX(fieldOf(f, 'Rd'));
  };
}

const keep: EmitPlan = (f) => (code) => {
  const field = 0xffffn << BigInt(16 * fieldOf(f, 'hw'));
  code.x(fieldOf(f, 'Rd'));
  code.i64(~field);
  code.op(OP.i64And);
  code.i64(wideValue(f));
  code.op(OP.i64Or);
  setCut(code, f);
};

/**
 * Bit fields: either one moves to bit 0 (imms >= immr), or the lowest imms + 1 bits move
 * to bit width - immr. Bits above the width of the source are in neither.
 */
function fieldsOfBits(f: A64Fields) {
  const [imms, immr] = [fieldOf(f, 'imms'), fieldOf(f, 'immr')];
  return imms >= immr
    ? { from: immr, width: imms - immr + 1, to: 0 }
    : { from: 0, width: imms + 1, to: sizeOf(f) - immr };
}

function shiftLeft(code: RegionCode, amount: number): void {
  shifted(code, 0, amount, true);
}

const unsignedField: EmitPlan = (f) => (code) => {
  const { from, width, to } = fieldsOfBits(f);
  code.x(fieldOf(f, 'Rn'));
  shifted(code, 1, from, true);
  if (from + width < 64 && to + width < 64) {
    code.i64(maskOf(width));
    code.op(OP.i64And);
  }
  shiftLeft(code, to);
  code.setX(fieldOf(f, 'Rd'));
};

const signedBits: EmitPlan = (f) => (code) => {
  const { from, width, to } = fieldsOfBits(f);
  code.x(fieldOf(f, 'Rn'));
  if (from === 0 && width === 32) code.op(OP.i64Extend32S);
  else {
    shiftLeft(code, 64 - from - width);
    shifted(code, 2, 64 - width, true);
  }
  shiftLeft(code, to);
  setCut(code, f);
};

const insert: EmitPlan = (f) => (code) => {
  const { from, width, to } = fieldsOfBits(f);
  code.x(fieldOf(f, 'Rd'));
  code.i64(~(maskOf(width) << BigInt(to)));
  code.op(OP.i64And);
  code.x(fieldOf(f, 'Rn'));
  shifted(code, 1, from, true);
  code.i64(maskOf(width));
  code.op(OP.i64And);
  shiftLeft(code, to);
  code.op(OP.i64Or);
  setCut(code, f);
};

const extract: EmitPlan = (f) => (code) => {
  const amount = fieldOf(f, 'imms');
  code.x(fieldOf(f, 'Rm'));
  if (amount !== 0) {
    shifted(code, 1, amount, isWide(f));
    code.x(fieldOf(f, 'Rn'));
    shifted(code, 0, sizeOf(f) - amount, isWide(f));
    code.op(OP.i64Or);
  }
  setCut(code, f);
};

/** By a register: WebAssembly takes the amount modulo the width, as A64 does. */
function shiftBy(long: number, word: number): EmitPlan {
  return (f) => (code) => {
    if (isWide(f)) {
      code.x(fieldOf(f, 'Rn'));
      code.x(fieldOf(f, 'Rm'));
      code.op(long);
      code.setX(fieldOf(f, 'Rd'));
      return;
    }
    code.w(fieldOf(f, 'Rn'));
    code.w(fieldOf(f, 'Rm'));
    code.op(word);
    code.setW(fieldOf(f, 'Rd'));
  };
}

/** Swaps neighbouring groups of `bits` bits in the i64 on the stack. */
function exchange(code: RegionCode, bits: number): void {
  let mask = maskOf(bits);
  for (let width = 2 * bits; width < 64; width *= 2) mask |= mask << BigInt(width);
  code.tee(T0);
  code.i64(bits);
  code.op(OP.i64ShrU);
  code.i64(mask);
  code.op(OP.i64And);
  code.get(T0);
  code.i64(mask);
  code.op(OP.i64And);
  code.i64(bits);
  code.op(OP.i64Shl, OP.i64Or);
}

/**
 * Reverses parts of `part` bits in larger groups, from the smallest part up. Forms
 * without sf state whether they are of 64 bits.
 */
function reverse(part: number, groupOf: (f: A64Fields) => number, wide = false): EmitPlan {
  return (f) => (code) => {
    const group = groupOf(f);
    code.x(fieldOf(f, 'Rn'));
    for (let bits = part; bits < group; bits *= 2)
      if (bits < 32) exchange(code, bits);
      else {
        code.i64(32);
        code.op(OP.i64Rotl);
      }
    if (wide) code.setX(fieldOf(f, 'Rd'));
    else setCut(code, f);
  };
}

const countZeros: EmitPlan = (f) => (code) => {
  if (isWide(f)) {
    code.x(fieldOf(f, 'Rn'));
    code.op(OP.i64Clz);
    code.setX(fieldOf(f, 'Rd'));
    return;
  }
  code.w(fieldOf(f, 'Rn'));
  code.op(OP.i32Clz);
  code.setW(fieldOf(f, 'Rd'));
};

const pageAddress: EmitPlan = (f) => (code) => {
  code.address((pageOf(code.at) + addressDistance(f)) * PAGE_SIZE);
  code.setX(fieldOf(f, 'Rd'));
};

const nearAddress: EmitPlan = (f) => (code) => {
  code.address(4 * code.at + addressDistance(f));
  code.setX(fieldOf(f, 'Rd'));
};

export const LOGICAL: EmitPlans = {
  AND_IMM: immediate(OP.i64And),
  ORR_IMM: immediate(OP.i64Or),
  EOR_IMM: immediate(OP.i64Xor),
  ANDS_IMM: immediate(OP.i64And, true),
  AND_SHIFT: register(OP.i64And, false),
  BIC_SHIFT: register(OP.i64And, true),
  ORR_SHIFT: register(OP.i64Or, false),
  ORN_SHIFT: register(OP.i64Or, true),
  EOR_SHIFT: register(OP.i64Xor, false),
  EON_SHIFT: register(OP.i64Xor, true),
  ANDS_SHIFT: register(OP.i64And, false, true),
  BICS_SHIFT: register(OP.i64And, true, true),
  MOVZ: move(wideValue),
  MOVN: move((f) => ~wideValue(f)),
  MOVK: keep,
  UBFM: unsignedField,
  SBFM: signedBits,
  BFM: insert,
  EXTR: extract,
  LSLV: shiftBy(OP.i64Shl, OP.i32Shl),
  LSRV: shiftBy(OP.i64ShrU, OP.i32ShrU),
  ASRV: shiftBy(OP.i64ShrS, OP.i32ShrS),
  RORV: shiftBy(OP.i64Rotr, OP.i32Rotr),
  RBIT: reverse(1, sizeOf),
  REV16: reverse(8, () => 16),
  REV: reverse(8, () => 32),
  REV32: reverse(8, () => 32, true),
  REV_64: reverse(8, () => 64, true),
  CLZ: countZeros,
  ADR: nearAddress,
  ADRP: pageAddress,
};
