// SPDX-License-Identifier: MIT
// Barriers, hints, and the system registers that a kernel often reads and writes.
// Accesses that may trap, or change more than a word, are left to the interpreter.

import { type Arm64Register, encodingOf } from '../../../../assembly/layout/a64/arm64-registers.ts';
import * as state from '../../../../assembly/layout/arm64-state.ts';
import { fieldOf, systemRegisterOf } from '../a64-fields.ts';
import type { Emit, EmitPlan, EmitPlans } from './plan.ts';
import type { RegionCode } from './region-code.ts';
import { HOST, VA } from './register-code.ts';
import { OP } from './wasm-writer.ts';

/** i32.atomic.rmw.add, after the prefix 0xfe. */
const RMW_ADD = 0x1e;
/** PSTATE.DAIF in its word. */
const DAIF_SHIFT = 6;
const DAIF_ALL = 15 << DAIF_SHIFT;
const ALL_BITS = 0xffff_ffff_ffff_ffffn;
/** Bytes that DC ZVA clears. */
const ZVA_SIZE = 64;

/** Leaves the region unless the vCPU is at EL1. */
function needEl1(code: RegionCode): void {
  code.loadWord(state.ARM64_EL);
  code.op(OP.i32Eqz);
  code.leaveIf();
}

/** Leaves the region when an interrupt is pending, which the instruction may unmask. */
function needQuiet(code: RegionCode): void {
  code.loadWord(state.ARM64_PENDING);
  code.leaveIf();
}

/** Offset of a register in the block; undefined when it is not plain storage. */
function placeOf({ kind, bank, slot }: Arm64Register): number | undefined {
  if (kind === 'own') return state.ARM64_REGISTERS + 8 * slot;
  if (kind !== 'bank') return undefined;
  const offset = (state as Readonly<Record<string, unknown>>)[`BANK_${bank}`];
  return typeof offset === 'number'
    ? state.ARM64_BANK + state.ARM64_BANK_STRIDE + offset
    : undefined;
}

/** SP_EL0 while EL1 uses its own stack pointer. */
function needOtherStack(code: RegionCode): void {
  code.loadWord(state.ARM64_SPSEL);
  code.op(OP.i32Eqz);
  code.leaveIf();
}
const OTHER_STACK = state.ARM64_BANK + state.BANK_SP;

/** The counter, which counts instructions: at any other rate the interpreter reads it. */
function readCounter(code: RegionCode, rt: number): void {
  needEl1(code);
  code.loadLong(state.ARM64_TIME_RATE);
  code.i64(1n << 32n);
  code.op(OP.i64Ne);
  code.leaveIf();
  code.loadLong(state.ARM64_TIME);
  code.loadLong(state.ARM64_STARTED);
  code.op(OP.i64Add);
  code.loadLong(state.ARM64_TIME_COUNT);
  code.op(OP.i64Sub);
  code.countHere();
  code.i32(3);
  code.op(OP.i32ShrU, OP.i64ExtendI32U, OP.i64Add);
  code.setX(rt);
}

/**
 * DCZID_EL0 at EL1, where DC ZVA is never prohibited: BS is log2 of the block's words.
 */
function readBlockSize(code: RegionCode, rt: number): void {
  needEl1(code);
  code.i64(Math.log2(ZVA_SIZE / 4));
  code.setX(rt);
}

/** Reads of registers that are more than storage, by name. */
const READS: Readonly<Record<string, (code: RegionCode, rt: number) => void>> = {
  SP_EL0(code, rt) {
    needOtherStack(code);
    code.loadLong(OTHER_STACK);
    code.setX(rt);
  },
  DAIF(code, rt) {
    needEl1(code);
    code.loadWord(state.ARM64_DAIF);
    code.setW(rt);
  },
  DCZID_EL0: readBlockSize,
  CNTVCT_EL0: readCounter,
  CNTPCT_EL0: readCounter,
};

/** True when EL0 has the same access to a register as EL1. */
const isOfEl0 = ({ el0, trap }: Arm64Register, access: 'r' | 'w') =>
  el0.includes(access) && trap === '';

const read: EmitPlan = (f): Emit | undefined => {
  const register = systemRegisterOf(f);
  const rt = fieldOf(f, 'Rt');
  if (!register?.el1.includes('r')) return undefined;
  const special = READS[register.name];
  if (special) return (code) => special(code, rt);
  const place = placeOf(register);
  if (place === undefined) return undefined;
  return (code) => {
    if (!isOfEl0(register, 'r')) needEl1(code);
    code.loadLong(place);
    code.setX(rt);
  };
};

/** Stores the low word of a register, masked, as PSTATE.DAIF. */
function writeDaif(code: RegionCode, rt: number): void {
  needEl1(code);
  needQuiet(code);
  code.storeWord(state.ARM64_DAIF, () => {
    code.w(rt);
    code.i32(DAIF_ALL);
    code.op(OP.i32And);
  });
}

const write: EmitPlan = (f): Emit | undefined => {
  const register = systemRegisterOf(f);
  const rt = fieldOf(f, 'Rt');
  if (register?.name === 'DAIF') return (code) => writeDaif(code, rt);
  if (register?.name === 'SP_EL0')
    return (code) => {
      needOtherStack(code);
      code.storeLong(OTHER_STACK, () => code.x(rt));
    };
  if (!register?.el1.includes('w') || register.bits !== ALL_BITS) return undefined;
  const place = placeOf(register);
  if (place === undefined) return undefined;
  return (code) => {
    if (!isOfEl0(register, 'w')) needEl1(code);
    code.storeLong(place, () => code.x(rt));
  };
};

/** MSR DAIFSet and DAIFClr. */
const mask =
  (isSet: boolean): EmitPlan =>
  (f) =>
  (code) => {
    const bits = fieldOf(f, 'CRm') << DAIF_SHIFT;
    needEl1(code);
    needQuiet(code);
    code.storeWord(state.ARM64_DAIF, () => {
      code.loadWord(state.ARM64_DAIF);
      code.i32(isSet ? bits : ~bits);
      code.op(isSet ? OP.i32Or : OP.i32And);
    });
  };

/** An atomic operation on a word that nothing else uses. */
const barrier: EmitPlan = () => (code) => {
  code.cpu();
  code.i32(0);
  code.atomic(RMW_ADD, 4, state.ARM64_BARRIER);
  code.op(OP.drop);
};

/** WFE, WFI, SEV and SEVL are left to the interpreter; all other hints do nothing. */
const hint: EmitPlan = (f) => {
  const number = 8 * fieldOf(f, 'CRm') + fieldOf(f, 'op2');
  return number >= 2 && number <= 5 ? undefined : () => undefined;
};

/**
 * Code after it has to match the current records: another vCPU may have executed IC for a
 * page.
 */
const synchronize: EmitPlan = () => (code) => code.leaveIfForgotten();

const clearMonitor: EmitPlan = () => (code) =>
  code.storeWord(state.ARM64_MONITOR_AT, () => code.i32(0));

/** DC ZVA, op1:CRn:CRm:op2. */
const DC_ZVA = encodingOf(0, 3, 7, 4, 1);

/**
 * The only SYS instruction that is often executed. Accesses by EL0 are left to the
 * interpreter.
 */
const clearBlock: EmitPlan = (f): Emit | undefined => {
  const [op1, crn] = [fieldOf(f, 'op1'), fieldOf(f, 'CRn')];
  if (encodingOf(0, op1, crn, fieldOf(f, 'CRm'), fieldOf(f, 'op2')) !== DC_ZVA) return undefined;
  return (code) => {
    needEl1(code);
    code.x(fieldOf(f, 'Rt'));
    code.i64(-ZVA_SIZE);
    code.op(OP.i64And);
    code.set(VA);
    code.findHost(ZVA_SIZE, true);
    for (let at = 0; at < ZVA_SIZE; at += 8) {
      code.get(HOST);
      code.i64(0);
      code.memory(OP.i64Store, 8, at);
    }
  };
};

export const SYSTEM: EmitPlans = {
  SYS: clearBlock,
  MRS: read,
  MSR: write,
  MSR_DAIFSet: mask(true),
  MSR_DAIFClr: mask(false),
  DSB: barrier,
  DMB: barrier,
  SB: barrier,
  ISB: synchronize,
  HINT: hint,
  CLREX: clearMonitor,
};
