// SPDX-License-Identifier: MIT
// Additions, subtractions, comparisons, conditional selects, multiplications, divisions.

import type { A64Fields } from '../../../../assembly/layout/a64/a64-forms.ts';
import { fieldOf, isWide } from '../a64-fields.ts';
import { added, carry, compared, comparedIf, condition } from './emit-flags.ts';
import type { Emit, EmitPlan, EmitPlans } from './plan.ts';
import type { RegionCode } from './region-code.ts';
import { FA, FB, T0, T1, T2 } from './register-code.ts';
import { OP } from './wasm-writer.ts';

type Push = (code: RegionCode) => void;

const HALF = 32;

/** An operand of flags; a 32-bit one is put in the high half. */
function flagOperand(code: RegionCode, push: Push, wide: boolean): void {
  push(code);
  if (wide) return;
  code.i64(HALF);
  code.op(OP.i64Shl);
}

/** Sets Rd to the i64 on the stack, truncated to the width of the instruction. */
export function setCut(code: RegionCode, f: A64Fields): void {
  if (!isWide(f)) code.cut();
  code.setX(fieldOf(f, 'Rd'));
}

/** Shifts the i64 on the stack: LSL, LSR, ASR, ROR. A 32-bit shift uses the low half. */
export function shifted(code: RegionCode, kind: number, amount: number, wide: boolean): void {
  if (amount === 0) return;
  const longs = [OP.i64Shl, OP.i64ShrU, OP.i64ShrS, OP.i64Rotr];
  const words = [OP.i32Shl, OP.i32ShrU, OP.i32ShrS, OP.i32Rotr];
  if (wide) {
    code.i64(amount);
    code.op(longs[kind] ?? OP.unreachable);
    return;
  }
  code.op(OP.i32WrapI64);
  code.i32(amount);
  code.op(words[kind] ?? OP.unreachable, OP.i64ExtendI32U);
}

/** Extends the i64 on the stack, by `option` of the extended forms. */
export function extended(code: RegionCode, option: number, amount: number): void {
  if (option < 3) {
    code.i64((1n << BigInt(8 << option)) - 1n);
    code.op(OP.i64And);
  } else if (option >= 4 && option < 7)
    code.op([OP.i64Extend8S, OP.i64Extend16S, OP.i64Extend32S][option - 4] ?? OP.unreachable);
  if (amount === 0) return;
  code.i64(amount);
  code.op(OP.i64Shl);
}

/**
 * An operation without flags on `first` and `second`, both i64 of which only the low bits
 * matter.
 */
function plain(opcode: number, first: Push, second: Push, set: Push, wide: boolean): Emit {
  return (code) => {
    first(code);
    second(code);
    code.op(opcode);
    if (!wide) code.cut();
    set(code);
  };
}

function withFlags(isSub: boolean, first: Push, second: Push, f: A64Fields): Emit {
  const wide = isWide(f);
  const rd = fieldOf(f, 'Rd');
  const result = (code: RegionCode) => {
    if (!wide) {
      code.i64(HALF);
      code.op(OP.i64ShrU);
    }
    code.setX(rd);
  };
  return (code) => {
    flagOperand(code, first, wide);
    flagOperand(code, second, wide);
    if (isSub) {
      code.set(FB);
      code.set(FA);
      compared(code);
      if (rd === 31) return;
      code.get(FA);
      code.get(FB);
      code.op(OP.i64Sub);
      result(code);
      return;
    }
    code.set(T1);
    code.tee(T0);
    code.get(T1);
    code.op(OP.i64Add);
    code.set(T2);
    added(code);
    if (rd === 31) return;
    code.get(T2);
    result(code);
  };
}

/**
 * Kinds of second operands: the pushed value, and whether register 31 is SP as first
 * operand and as result.
 */
const SECONDS: Readonly<Record<string, { readonly stack: boolean; push(f: A64Fields): Push }>> = {
  IMM: {
    stack: true,
    push(f) {
      const value = fieldOf(f, 'imm12') * (fieldOf(f, 'sh') === 1 ? 4096 : 1);
      return (code) => code.i64(value);
    },
  },
  SHIFT: {
    stack: false,
    push: (f) => (code) => {
      code.x(fieldOf(f, 'Rm'));
      shifted(code, fieldOf(f, 'shift'), fieldOf(f, 'imm6'), isWide(f));
    },
  },
  EXT: {
    stack: true,
    push: (f) => (code) => {
      code.x(fieldOf(f, 'Rm'));
      extended(code, fieldOf(f, 'option'), fieldOf(f, 'imm3'));
    },
  },
};

/**
 * True when the result goes to SP and may be misaligned although SP was aligned: left to
 * the interpreter.
 */
function mayMisalign(kind: string, f: A64Fields): boolean {
  if (fieldOf(f, 'Rd') !== 31) return false;
  if (kind !== 'IMM' || fieldOf(f, 'Rn') !== 31 || !isWide(f)) return true;
  return fieldOf(f, 'sh') === 0 && (fieldOf(f, 'imm12') & 15) !== 0;
}

function additions(): EmitPlans {
  const plans: Record<string, EmitPlan> = {};
  for (const [kind, { stack, push }] of Object.entries(SECONDS))
    for (const [name, opcode] of [
      ['ADD', OP.i64Add],
      ['SUB', OP.i64Sub],
    ] as const) {
      const first = (f: A64Fields) => (code: RegionCode) =>
        stack ? code.xOrSp(fieldOf(f, 'Rn')) : code.x(fieldOf(f, 'Rn'));
      const set = (f: A64Fields) => (code: RegionCode) =>
        stack ? code.setXOrSp(fieldOf(f, 'Rd')) : code.setX(fieldOf(f, 'Rd'));
      plans[`${name}_${kind}`] = (f) =>
        stack && mayMisalign(kind, f)
          ? undefined
          : plain(opcode, first(f), push(f), set(f), isWide(f));
      plans[`${name}S_${kind}`] = (f) => withFlags(name === 'SUB', first(f), push(f), f);
    }
  return plans;
}

/** ADC and SBC; forms that set flags are rare. */
function withCarry(invert: boolean): EmitPlan {
  return (f) => (code) => {
    code.x(fieldOf(f, 'Rn'));
    code.x(fieldOf(f, 'Rm'));
    if (invert) code.invert();
    code.op(OP.i64Add);
    carry(code);
    code.op(OP.i64ExtendI32U, OP.i64Add);
    setCut(code, f);
  };
}

function select(invert: boolean, increment: boolean): EmitPlan {
  return (f) => (code) => {
    code.x(fieldOf(f, 'Rn'));
    code.x(fieldOf(f, 'Rm'));
    if (invert) code.invert();
    if (increment) {
      code.i64(1);
      code.op(OP.i64Add);
    }
    condition(code, fieldOf(f, 'cond'));
    code.op(OP.select);
    setCut(code, f);
  };
}

function compareIf(push: (f: A64Fields) => Push): EmitPlan {
  return (f) => (code) => {
    flagOperand(code, (to) => to.x(fieldOf(f, 'Rn')), isWide(f));
    code.set(T0);
    flagOperand(code, push(f), isWide(f));
    code.set(T1);
    condition(code, fieldOf(f, 'cond'));
    comparedIf(code, fieldOf(f, 'nzcv'));
  };
}

function multiply(opcode: number, long?: number): EmitPlan {
  return (f) => (code) => {
    code.x(fieldOf(f, 'Ra'));
    for (const register of ['Rn', 'Rm']) {
      if (long === undefined) code.x(fieldOf(f, register));
      else {
        code.w(fieldOf(f, register));
        code.op(long);
      }
    }
    code.op(OP.i64Mul, opcode);
    if (long === undefined) setCut(code, f);
    else code.setX(fieldOf(f, 'Rd'));
  };
}

/** Bits 127 to 64 of a product. */
function multiplyHigh(signed: boolean): EmitPlan {
  const low = (code: RegionCode, local: number) => {
    code.get(local);
    code.i64(0xffff_ffff);
    code.op(OP.i64And);
  };
  const high = (code: RegionCode, local: number) => {
    code.get(local);
    code.i64(HALF);
    code.op(OP.i64ShrU);
  };
  return (f) => (code) => {
    code.x(fieldOf(f, 'Rn'));
    code.set(T0);
    code.x(fieldOf(f, 'Rm'));
    code.set(T1);
    // T2 = xh * yl + (xl * yl >> 32)
    high(code, T0);
    low(code, T1);
    code.op(OP.i64Mul);
    low(code, T0);
    low(code, T1);
    code.op(OP.i64Mul);
    code.i64(HALF);
    code.op(OP.i64ShrU, OP.i64Add);
    code.set(T2);
    // xh * yh + (T2 >> 32) + ((T2 & 0xffffffff) + xl * yh >> 32)
    high(code, T0);
    high(code, T1);
    code.op(OP.i64Mul);
    high(code, T2);
    code.op(OP.i64Add);
    low(code, T2);
    low(code, T0);
    high(code, T1);
    code.op(OP.i64Mul, OP.i64Add);
    code.i64(HALF);
    code.op(OP.i64ShrU, OP.i64Add);
    if (signed)
      for (const [one, other] of [
        [T0, T1],
        [T1, T0],
      ] as const) {
        code.get(one);
        code.i64(63);
        code.op(OP.i64ShrS);
        code.get(other);
        code.op(OP.i64And, OP.i64Sub);
      }
    code.setX(fieldOf(f, 'Rd'));
  };
}

/** A division by 0 gives 0, and one that overflows gives its dividend. */
function divide(signed: boolean): EmitPlan {
  return (f) => (code) => {
    // 32-bit operands are extended, so the division cannot overflow.
    const operand = (register: string) => {
      if (isWide(f)) code.x(fieldOf(f, register));
      else {
        code.w(fieldOf(f, register));
        code.op(signed ? OP.i64ExtendI32S : OP.i64ExtendI32U);
      }
    };
    operand('Rn');
    code.set(T0);
    operand('Rm');
    code.set(T1);
    code.i64(0);
    code.set(T2);
    code.get(T1);
    code.i64(0);
    code.op(OP.i64Ne);
    code.open(OP.if);
    if (signed) {
      code.get(T1);
      code.i64(-1);
      code.op(OP.i64Eq);
      code.open(OP.if);
      code.i64(0);
      code.get(T0);
      code.op(OP.i64Sub);
      code.set(T2);
      code.otherwise();
    }
    code.get(T0);
    code.get(T1);
    code.op(signed ? OP.i64DivS : OP.i64DivU);
    code.set(T2);
    if (signed) code.close();
    code.close();
    code.get(T2);
    setCut(code, f);
  };
}

export const ARITHMETIC: EmitPlans = {
  ...additions(),
  ADC: withCarry(false),
  SBC: withCarry(true),
  CSEL: select(false, false),
  CSINC: select(false, true),
  CSINV: select(true, false),
  CSNEG: select(true, true),
  CCMP_REG: compareIf((f) => (code) => code.x(fieldOf(f, 'Rm'))),
  CCMP_IMM: compareIf((f) => (code) => code.i64(fieldOf(f, 'imm5'))),
  MADD: multiply(OP.i64Add),
  MSUB: multiply(OP.i64Sub),
  SMADDL: multiply(OP.i64Add, OP.i64ExtendI32S),
  SMSUBL: multiply(OP.i64Sub, OP.i64ExtendI32S),
  UMADDL: multiply(OP.i64Add, OP.i64ExtendI32U),
  UMSUBL: multiply(OP.i64Sub, OP.i64ExtendI32U),
  UMULH: multiplyHigh(false),
  SMULH: multiplyHigh(true),
  UDIV: divide(false),
  SDIV: divide(true),
};
