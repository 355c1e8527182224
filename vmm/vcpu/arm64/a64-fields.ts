// SPDX-License-Identifier: MIT
// Decoding of fields of A64 instructions.

import type { A64Fields } from '../../../assembly/layout/a64/a64-forms.ts';
import {
  ARM64_REGISTER_TABLE,
  type Arm64Register,
  encodingOf,
} from '../../../assembly/layout/a64/arm64-registers.ts';

const REGISTERS = new Map(ARM64_REGISTER_TABLE.map((register) => [register.encoding, register]));

/** A field; 0 when the form does not have it. */
export const fieldOf = (fields: A64Fields, name: string): number => fields[name] ?? 0;

const signed = (value: number, width: number) => (value << (32 - width)) >> (32 - width);

/** A field in two's complement. */
export const signedField = (fields: A64Fields, name: string, width: number): number =>
  signed(fieldOf(fields, name), width);

/** The distance of ADR, in bytes, and of ADRP, in pages. */
export const addressDistance = (fields: A64Fields): number =>
  signed(4 * fieldOf(fields, 'immhi') + fieldOf(fields, 'immlo'), 21);

/** True when the operands have 64 bits, by sf. */
export const isWide = (fields: A64Fields): boolean => fieldOf(fields, 'sf') === 1;

/** The system register of MRS and MSR; undefined when it is unknown. */
export function systemRegisterOf(fields: A64Fields): Arm64Register | undefined {
  const of = (name: string) => fieldOf(fields, name);
  const op0 = 2 + of('o0');
  return REGISTERS.get(encodingOf(op0, of('op1'), of('CRn'), of('CRm'), of('op2')));
}

/** Whether the CPU has a register of this encoding: op0:op1:CRn:CRm:op2. */
export const isSystemRegister = (encoding: number): boolean => REGISTERS.has(encoding);

/** A system register by the name that every encoding has: S3_0_C15_C2_0. */
export function genericRegisterName(encoding: number): string {
  const field = (shift: number, width: number) => (encoding >>> shift) & (2 ** width - 1);
  return `S${field(14, 2)}_${field(11, 3)}_C${field(7, 4)}_C${field(3, 4)}_${field(0, 3)}`;
}

/**
 * An immediate mask (Arm ARM, DecodeBitMasks) of 64 or 32 bits. The encoding must not be
 * reserved.
 */
export function bitMaskOf(fields: A64Fields): bigint {
  const imms = fieldOf(fields, 'imms');
  const log2 = fieldOf(fields, 'N') !== 0 ? 6 : 31 - Math.clz32(~imms & 0x3f);
  const size = 2 ** log2;
  const [s, r] = [imms & (size - 1), fieldOf(fields, 'immr') & (size - 1)];
  const all = (1n << BigInt(size)) - 1n;
  const ones = (1n << BigInt(s + 1)) - 1n;
  let mask = ((ones >> BigInt(r)) | (ones << BigInt(size - r))) & all;
  for (let width = size; width < 64; width *= 2) mask |= mask << BigInt(width);
  return isWide(fields) ? mask : mask & 0xffff_ffffn;
}
