// SPDX-License-Identifier: MIT
// Loads and stores. On a miss of the soft TLB they are left to the interpreter, before
// anything has been written.

import type { A64Fields } from '../../../../assembly/layout/a64/a64-forms.ts';
import { fieldOf, signedField } from '../a64-fields.ts';
import { extended } from './emit-arithmetic.ts';
import type { Size } from './function-code.ts';
import type { Emit, EmitPlan, EmitPlans } from './plan.ts';
import type { RegionCode } from './region-code.ts';
import { HOST, T0, VA } from './register-code.ts';
import { OP } from './wasm-writer.ts';

/** A transfer between memory and an i64: size, and instruction. */
interface Access {
  readonly size: Size;
  readonly isLoad: boolean;
  readonly opcode: number;
  /** The value is truncated to 32 bits. */
  readonly isCut?: boolean;
}

const loads = (size: Size, opcode: number, isCut = false): Access => ({
  size,
  isLoad: true,
  opcode,
  isCut,
});
const stores = (size: Size, opcode: number): Access => ({ size, isLoad: false, opcode });

const ACCESSES = {
  STRB: stores(1, OP.i64Store8),
  LDRB: loads(1, OP.i64Load8U),
  LDRSB_64: loads(1, OP.i64Load8S),
  LDRSB: loads(1, OP.i64Load8S, true),
  STRH: stores(2, OP.i64Store16),
  LDRH: loads(2, OP.i64Load16U),
  LDRSH_64: loads(2, OP.i64Load16S),
  LDRSH: loads(2, OP.i64Load16S, true),
  STR_32: stores(4, OP.i64Store32),
  LDR_32: loads(4, OP.i64Load32U),
  LDRSW: loads(4, OP.i64Load32S),
  STR_64: stores(8, OP.i64Store),
  LDR_64: loads(8, OP.i64Load),
} satisfies Readonly<Record<string, Access>>;

/** Accesses of both registers of a pair. */
const PAIRS = {
  STP_32: ACCESSES.STR_32,
  LDP_32: ACCESSES.LDR_32,
  LDPSW: ACCESSES.LDRSW,
  STP_64: ACCESSES.STR_64,
  LDP_64: ACCESSES.LDR_64,
};

/** Guest addresses have no alignment: the alignment hint of an access is 1 byte. */
function hostAccess(code: RegionCode, opcode: number, offset = 0): void {
  code.memory(opcode, 1, offset);
}

/** Loads a register, or stores one, at HOST. */
function transfer(code: RegionCode, access: Access, rt: number, offset = 0): void {
  code.get(HOST);
  if (!access.isLoad) {
    code.x(rt);
    hostAccess(code, access.opcode, offset);
    return;
  }
  hostAccess(code, access.opcode, offset);
  if (access.isCut === true) code.cut();
  code.setX(rt);
}

type Index = 'offset' | 'pre' | 'post';

/** Sets VA to Rn, plus an offset unless it is post-indexed. */
function setAddress(code: RegionCode, rn: number, offset: number, index: Index): void {
  code.xOrSp(rn);
  if (index !== 'post' && offset !== 0) {
    code.i64(offset);
    code.op(OP.i64Add);
  }
  code.set(VA);
}

/** Writes Rn back. */
function writeBack(code: RegionCode, rn: number, offset: number, index: Index): void {
  if (index === 'offset') return;
  code.get(VA);
  if (index === 'post') {
    code.i64(offset);
    code.op(OP.i64Add);
  }
  code.setXOrSp(rn);
}

/** The base is SP, which the access may misalign: left to the interpreter. */
const mayMisalign = (rn: number, offset: number, index: Index) =>
  index !== 'offset' && rn === 31 && (offset & 15) !== 0;

/** Rt and the base are the same register: UNDEFINED, left to the interpreter. */
const clashes = (rn: number, rt: number, index: Index) =>
  index !== 'offset' && rn === rt && rn !== 31;

function single(access: Access, index: Index, offsetOf: (f: A64Fields) => number): EmitPlan {
  return (f) => {
    const [rn, rt] = [fieldOf(f, 'Rn'), fieldOf(f, 'Rt')];
    const offset = offsetOf(f);
    if (clashes(rn, rt, index) || mayMisalign(rn, offset, index)) return undefined;
    return (code) => {
      setAddress(code, rn, offset, index);
      code.findHost(access.size, !access.isLoad);
      // A store reads its value before the base is written, a load writes its register
      // after.
      if (access.isLoad) writeBack(code, rn, offset, index);
      transfer(code, access, rt);
      if (!access.isLoad) writeBack(code, rn, offset, index);
    };
  };
}

function byRegister(access: Access): EmitPlan {
  return (f) => (code) => {
    code.xOrSp(fieldOf(f, 'Rn'));
    code.x(fieldOf(f, 'Rm'));
    extended(code, fieldOf(f, 'option'), fieldOf(f, 'S') === 1 ? Math.log2(access.size) : 0);
    code.op(OP.i64Add);
    code.set(VA);
    code.findHost(access.size, !access.isLoad);
    transfer(code, access, fieldOf(f, 'Rt'));
  };
}

function literal(access: Access): EmitPlan {
  return (f) => (code) => {
    code.address(4 * code.at + 4 * signedField(f, 'imm19', 19));
    code.set(VA);
    code.findHost(access.size, false);
    transfer(code, access, fieldOf(f, 'Rt'));
  };
}

function pair(access: Access, index: Index): EmitPlan {
  return (f): Emit | undefined => {
    const [rn, rt, rt2] = [fieldOf(f, 'Rn'), fieldOf(f, 'Rt'), fieldOf(f, 'Rt2')];
    if (clashes(rn, rt, index) || clashes(rn, rt2, index) || (access.isLoad && rt === rt2))
      return undefined;
    const { size, isLoad } = access;
    const offset = signedField(f, 'imm7', 7) * size;
    if (mayMisalign(rn, offset, index)) return undefined;
    return (code) => {
      setAddress(code, rn, offset, index);
      code.findHost(2 * size, !isLoad);
      if (!isLoad) {
        transfer(code, access, rt);
        transfer(code, access, rt2, size);
        writeBack(code, rn, offset, index);
        return;
      }
      // The first register may be the base, so both are loaded before either is written.
      code.get(HOST);
      hostAccess(code, access.opcode);
      code.set(T0);
      writeBack(code, rn, offset, index);
      transfer(code, access, rt2, size);
      code.get(T0);
      code.setX(rt);
    };
  };
}

function singles(): EmitPlans {
  const plans: Record<string, EmitPlan> = {};
  for (const [name, access] of Object.entries(ACCESSES)) {
    const nine = (f: A64Fields) => signedField(f, 'imm9', 9);
    plans[`${name}_UIMM`] = single(access, 'offset', (f) => fieldOf(f, 'imm12') * access.size);
    plans[name.replace(/^(LD|ST)R/, '$1UR')] = single(access, 'offset', nine);
    plans[`${name}_PRE`] = single(access, 'pre', nine);
    plans[`${name}_POST`] = single(access, 'post', nine);
    plans[`${name}_REG`] = byRegister(access);
    if (/^(LDR_32|LDR_64|LDRSW)$/.test(name)) plans[`${name}_LIT`] = literal(access);
  }
  return plans;
}

function pairs(): EmitPlans {
  const plans: Record<string, EmitPlan> = {};
  for (const [name, access] of Object.entries(PAIRS)) {
    plans[`${name}_OFF`] = pair(access, 'offset');
    plans[name.replace('P', 'NP')] = pair(access, 'offset');
    plans[`${name}_PRE`] = pair(access, 'pre');
    plans[`${name}_POST`] = pair(access, 'post');
  }
  return plans;
}

/** A prefetch does nothing. */
const nothing: EmitPlan = () => () => undefined;

export const MEMORY: EmitPlans = {
  ...singles(),
  ...pairs(),
  PRFM_UIMM: nothing,
  PRFUM: nothing,
  PRFM_REG: nothing,
  PRFM_LIT: nothing,
};
