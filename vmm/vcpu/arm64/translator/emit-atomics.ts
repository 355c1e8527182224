// SPDX-License-Identifier: MIT
// Ordered, exclusive and atomic accesses of one register. Their addresses are aligned;
// otherwise the interpreter takes the fault.

import type { A64Fields } from '../../../../assembly/layout/a64/a64-forms.ts';
import {
  ARM64_MONITOR_AT,
  ARM64_MONITOR_HIGH,
  ARM64_MONITOR_LOW,
  ARM64_MONITOR_SIZE,
} from '../../../../assembly/layout/arm64-state.ts';
import { fieldOf } from '../a64-fields.ts';
import type { Size } from './function-code.ts';
import type { Emit, EmitPlan, EmitPlans } from './plan.ts';
import type { RegionCode } from './region-code.ts';
import { HOST, T0, T1, T2, VA } from './register-code.ts';
import { OP } from './wasm-writer.ts';

/** Second opcode bytes of i64 atomics by log2 of the size (threads proposal). */
const LOAD = [0x14, 0x15, 0x16, 0x11];
const STORE = [0x1b, 0x1c, 0x1d, 0x18];
const EXCHANGES = {
  add: [0x22, 0x23, 0x24, 0x1f],
  and: [0x30, 0x31, 0x32, 0x2d],
  or: [0x37, 0x38, 0x39, 0x34],
  xor: [0x3e, 0x3f, 0x40, 0x3b],
  swap: [0x45, 0x46, 0x47, 0x42],
  compare: [0x4c, 0x4d, 0x4e, 0x49],
} as const;

const SUFFIXES = ['B', 'H', '_32', '_64'];
const ORDERINGS = ['', 'L', 'A', 'AL'];

/** An atomic instruction of a size. */
function atomic(code: RegionCode, opcodes: readonly number[], log2: number): void {
  code.atomic(opcodes[log2] ?? OP.unreachable, (1 << log2) as Size);
}

/** Sets HOST for an access at Rn. */
function find(code: RegionCode, f: A64Fields, log2: number, isWrite: boolean): void {
  code.xOrSp(fieldOf(f, 'Rn'));
  code.set(VA);
  if (log2 > 0) {
    code.get(VA);
    code.op(OP.i32WrapI64);
    code.i32((1 << log2) - 1);
    code.op(OP.i32And);
    code.leaveIf();
  }
  code.findHost(1 << log2, isWrite);
}

const load =
  (log2: number): EmitPlan =>
  (f) =>
  (code) => {
    find(code, f, log2, false);
    code.get(HOST);
    atomic(code, LOAD, log2);
    code.setX(fieldOf(f, 'Rt'));
  };

const store =
  (log2: number): EmitPlan =>
  (f) =>
  (code) => {
    find(code, f, log2, true);
    code.get(HOST);
    code.x(fieldOf(f, 'Rt'));
    atomic(code, STORE, log2);
  };

const loadExclusive =
  (log2: number): EmitPlan =>
  (f) =>
  (code) => {
    find(code, f, log2, false);
    code.get(HOST);
    atomic(code, LOAD, log2);
    code.set(T0);
    code.storeWord(ARM64_MONITOR_AT, () => code.get(HOST));
    code.storeWord(ARM64_MONITOR_SIZE, () => code.i32(1 << log2));
    code.storeLong(ARM64_MONITOR_LOW, () => code.get(T0));
    code.storeLong(ARM64_MONITOR_HIGH, () => code.i64(0));
    code.get(T0);
    code.setX(fieldOf(f, 'Rt'));
  };

/** Rs is 0 when the store was done, otherwise 1. */
function storeExclusive(log2: number): EmitPlan {
  return (f): Emit | undefined => {
    const [rs, rt, rn] = [fieldOf(f, 'Rs'), fieldOf(f, 'Rt'), fieldOf(f, 'Rn')];
    if (rs === rt || (rs === rn && rn !== 31)) return undefined;
    return (code) => {
      find(code, f, log2, true);
      code.i64(1);
      code.set(T0);
      code.loadWord(ARM64_MONITOR_AT);
      code.get(HOST);
      code.op(OP.i32Eq);
      code.loadWord(ARM64_MONITOR_SIZE);
      code.i32(1 << log2);
      code.op(OP.i32Eq, OP.i32And);
      code.open(OP.if);
      code.get(HOST);
      code.loadLong(ARM64_MONITOR_LOW);
      code.x(rt);
      atomic(code, EXCHANGES.compare, log2);
      code.loadLong(ARM64_MONITOR_LOW);
      code.op(OP.i64Ne, OP.i64ExtendI32U);
      code.set(T0);
      code.close();
      code.storeWord(ARM64_MONITOR_AT, () => code.i32(0));
      code.get(T0);
      code.setX(rs);
    };
  };
}

/**
 * A value truncated to the size of the access: the operand of an atomic comparison is not
 * truncated.
 */
function cutTo(code: RegionCode, log2: number): void {
  if (log2 === 3) return;
  code.i64((1n << BigInt(8 << log2)) - 1n);
  code.op(OP.i64And);
}

const compareAndSwap =
  (log2: number): EmitPlan =>
  (f) =>
  (code) => {
    const rs = fieldOf(f, 'Rs');
    find(code, f, log2, true);
    code.get(HOST);
    code.x(rs);
    cutTo(code, log2);
    code.x(fieldOf(f, 'Rt'));
    atomic(code, EXCHANGES.compare, log2);
    code.setX(rs);
  };

const exchange =
  (name: keyof typeof EXCHANGES, log2: number, invert = false): EmitPlan =>
  (f) =>
  (code) => {
    find(code, f, log2, true);
    code.get(HOST);
    code.x(fieldOf(f, 'Rs'));
    if (invert) code.invert();
    atomic(code, EXCHANGES[name], log2);
    code.setX(fieldOf(f, 'Rt'));
  };

/** Minimum or maximum: a loop of compare-and-swap. */
function extremum(log2: number, isMax: boolean, isSigned: boolean): EmitPlan {
  const better = isMax ? (isSigned ? OP.i64GtS : OP.i64GtU) : isSigned ? OP.i64LtS : OP.i64LtU;
  return (f) => (code) => {
    const shift = 64 - (8 << log2);
    /** A local shifted to the high bits, so that the comparison is that of the size. */
    const ordered = (push: () => void) => {
      push();
      if (shift === 0) return;
      code.i64(shift);
      code.op(OP.i64Shl);
    };
    find(code, f, log2, true);
    code.get(HOST);
    atomic(code, LOAD, log2);
    code.set(T0);
    const again = code.open(OP.loop);
    // T1 is the value to store, T2 the former one.
    const operand = () => code.x(fieldOf(f, 'Rs'));
    code.get(T0);
    operand();
    ordered(() => code.get(T0));
    ordered(operand);
    code.op(better);
    code.op(OP.select);
    code.set(T1);
    code.get(HOST);
    code.get(T0);
    code.get(T1);
    atomic(code, EXCHANGES.compare, log2);
    code.tee(T2);
    code.get(T0);
    code.op(OP.i64Ne);
    code.open(OP.if);
    code.get(T2);
    code.set(T0);
    code.br(again);
    code.close();
    code.close();
    code.get(T0);
    code.setX(fieldOf(f, 'Rt'));
  };
}

function all(): EmitPlans {
  const plans: Record<string, EmitPlan> = {};
  SUFFIXES.forEach((suffix, log2) => {
    for (const name of ['LDAR', 'LDAPR']) plans[`${name}${suffix}`] = load(log2);
    plans[`STLR${suffix}`] = store(log2);
    for (const name of ['LDXR', 'LDAXR']) plans[`${name}${suffix}`] = loadExclusive(log2);
    for (const name of ['STXR', 'STLXR']) plans[`${name}${suffix}`] = storeExclusive(log2);
    for (const order of ORDERINGS) {
      const put = (name: string, plan: EmitPlan) => {
        plans[`${name}${order}${suffix}`] = plan;
      };
      put('CAS', compareAndSwap(log2));
      put('LDADD', exchange('add', log2));
      put('LDCLR', exchange('and', log2, true));
      put('LDEOR', exchange('xor', log2));
      put('LDSET', exchange('or', log2));
      put('SWP', exchange('swap', log2));
      put('LDSMAX', extremum(log2, true, true));
      put('LDSMIN', extremum(log2, false, true));
      put('LDUMAX', extremum(log2, true, false));
      put('LDUMIN', extremum(log2, false, false));
    }
  });
  return plans;
}

export const ATOMICS: EmitPlans = all();
