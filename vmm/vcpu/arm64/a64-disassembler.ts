// SPDX-License-Identifier: MIT
// Disassembles A64 with the table of forms: the preferred names of instructions, without
// aliases.

import {
  type A64Fields as Fields,
  fieldsOf,
  formOf,
} from '../../../assembly/layout/a64/a64-forms.ts';
import { encodingOf } from '../../../assembly/layout/a64/arm64-registers.ts';
import {
  addressDistance,
  bitMaskOf,
  fieldOf as field,
  genericRegisterName,
  isWide,
  signedField,
  systemRegisterOf,
} from './a64-fields.ts';

/** Conditions, by their number. */
export const A64_CONDITIONS: readonly string[] = [
  ...['eq', 'ne', 'hs', 'lo', 'mi', 'pl', 'vs', 'vc'],
  ...['hi', 'ls', 'ge', 'lt', 'gt', 'le', 'al', 'nv'],
];
/** Shifts of a register operand, by their number. */
export const A64_SHIFTS: readonly string[] = ['lsl', 'lsr', 'asr', 'ror'];
/** Extensions of a register operand, by their number. */
export const A64_EXTENSIONS: readonly string[] = [
  'uxtb',
  'uxth',
  'uxtw',
  'uxtx',
  'sxtb',
  'sxth',
  'sxtw',
  'sxtx',
];
/** Options of DMB and DSB, by their number. */
export const A64_BARRIERS: ReadonlyMap<number, string> = new Map([
  [1, 'oshld'],
  [2, 'oshst'],
  [3, 'osh'],
  [5, 'nshld'],
  [6, 'nshst'],
  [7, 'nsh'],
  [9, 'ishld'],
  [10, 'ishst'],
  [11, 'ish'],
  [13, 'ld'],
  [14, 'st'],
  [15, 'sy'],
]);

const hexadecimal = (value: number | bigint) => `#0x${value.toString(16)}`;

function general(number: number, wide: boolean, name: string): string {
  return number === 31 ? name : `${wide ? 'x' : 'w'}${number}`;
}
const orZero = (number: number, wide: boolean) => general(number, wide, wide ? 'xzr' : 'wzr');
const orStack = (number: number, wide: boolean) => general(number, wide, wide ? 'sp' : 'wsp');

function address(base: string, offset: string): string {
  return `[${base}, ${offset}]`;
}

function extendedRegister(f: Fields): string {
  const option = field(f, 'option');
  const wideResult = isWide(f);
  const m = orZero(field(f, 'Rm'), wideResult && (option & 3) === 3);
  const amount = field(f, 'imm3');
  // LSL is the name of the extension without an effect when SP is used.
  const usesStack = field(f, 'Rn') === 31 || field(f, 'Rd') === 31;
  const neutral = wideResult ? 3 : 2;
  if (option === neutral && usesStack && (field(f, 'Rn') === 31 || field(f, 'S') === 0))
    return amount === 0 ? m : `${m}, lsl #${amount}`;
  return `${m}, ${A64_EXTENSIONS[option]}${amount === 0 ? '' : ` #${amount}`}`;
}

function registerOffset(f: Fields, size: number): string {
  const option = field(f, 'option');
  const base = orStack(field(f, 'Rn'), true);
  const m = orZero(field(f, 'Rm'), (option & 1) === 1);
  const shifted = field(f, 'S') === 1;
  if (option === 3) return `[${base}, ${m}${shifted ? `, lsl #${size}` : ''}]`;
  return `[${base}, ${m}, ${A64_EXTENSIONS[option]}${shifted ? ` #${size}` : ''}]`;
}

function prefetch(rt: number): string {
  const type = ['pld', 'pli', 'pst'][rt >> 3];
  const level = (rt >> 1) & 3;
  if (type === undefined || level === 3) return `#${rt}`;
  return `${type}l${level + 1}${(rt & 1) === 1 ? 'strm' : 'keep'}`;
}

/** The name of a register that allows the access, otherwise its encoding. */
function systemRegister(f: Fields, access: 'r' | 'w'): string {
  const register = systemRegisterOf(f);
  if (register?.el1.includes(access)) return register.name;
  const op0 = 2 + field(f, 'o0');
  const [op1, crn, crm, op2] = [field(f, 'op1'), field(f, 'CRn'), field(f, 'CRm'), field(f, 'op2')];
  return genericRegisterName(encodingOf(op0, op1, crn, crm, op2));
}

/** Operands with their own rules; `rest` is the text after a dot. */
const OPERANDS: Readonly<Record<string, (f: Fields, rest: string) => string>> = {
  r: (f, rest) => orZero(field(f, rest), isWide(f)),
  rsp: (f, rest) => orStack(field(f, rest), isWide(f)),
  x: (f, rest) => orZero(field(f, rest), true),
  w: (f, rest) => orZero(field(f, rest), false),
  xnext: (f, rest) => orZero((field(f, rest) + 1) & 31, true),
  wnext: (f, rest) => orZero((field(f, rest) + 1) & 31, false),
  d: (f, rest) => `#${field(f, rest)}`,
  h: (f, rest) => hexadecimal(field(f, rest)),
  c: (f, rest) => `c${field(f, rest)}`,
  cond: (f) => A64_CONDITIONS[field(f, 'cond')] ?? '',
  adr: (f) => `#${addressDistance(f)}`,
  adrp: (f) => `#${addressDistance(f) * 4096}`,
  imm12: (f) => `#${field(f, 'imm12')}${field(f, 'sh') === 1 ? ', lsl #12' : ''}`,
  bitmask: (f) => hexadecimal(bitMaskOf(f)),
  hw: (f) => (field(f, 'hw') === 0 ? '' : `, lsl #${16 * field(f, 'hw')}`),
  shift: (f) => {
    const amount = field(f, 'imm6');
    const kind = field(f, 'shift');
    return kind === 0 && amount === 0 ? '' : `, ${A64_SHIFTS[kind]} #${amount}`;
  },
  extended: extendedRegister,
  imm26: (f) => `#${4 * signedField(f, 'imm26', 26)}`,
  imm19: (f) => `#${4 * signedField(f, 'imm19', 19)}`,
  imm14: (f) => `#${4 * signedField(f, 'imm14', 14)}`,
  testbit: (f) =>
    `${orZero(field(f, 'Rt'), field(f, 'b5') === 1)}, #${32 * field(f, 'b5') + field(f, 'b40')}`,
  base: (f) => `[${orStack(field(f, 'Rn'), true)}]`,
  uimm12: (f, rest) =>
    address(orStack(field(f, 'Rn'), true), `#${field(f, 'imm12') * 2 ** Number.parseInt(rest, 2)}`),
  offset9: (f) => address(orStack(field(f, 'Rn'), true), `#${signedField(f, 'imm9', 9)}`),
  pre9: (f) => `[${orStack(field(f, 'Rn'), true)}, #${signedField(f, 'imm9', 9)}]!`,
  post9: (f) => `[${orStack(field(f, 'Rn'), true)}], #${signedField(f, 'imm9', 9)}`,
  offset7: (f, rest) =>
    address(orStack(field(f, 'Rn'), true), `#${signedField(f, 'imm7', 7) * 2 ** Number(rest)}`),
  pre7: (f, rest) =>
    `[${orStack(field(f, 'Rn'), true)}, #${signedField(f, 'imm7', 7) * 2 ** Number(rest)}]!`,
  post7: (f, rest) =>
    `[${orStack(field(f, 'Rn'), true)}], #${signedField(f, 'imm7', 7) * 2 ** Number(rest)}`,
  regoffset: (f, rest) => registerOffset(f, Number.parseInt(rest, 2)),
  prefetch: (f) => prefetch(field(f, 'Rt')),
  hint: (f) => `#${8 * field(f, 'CRm') + field(f, 'op2')}`,
  isb: (f) => (field(f, 'CRm') === 15 ? 'sy' : `#${field(f, 'CRm')}`),
  barrier: (f) => A64_BARRIERS.get(field(f, 'CRm')) ?? `#${field(f, 'CRm')}`,
  readable: (f) => systemRegister(f, 'r'),
  writable: (f) => systemRegister(f, 'w'),
};

/**
 * One instruction in assembly language. Branches and addresses are relative to it.
 * @param word The instruction, unsigned.
 * @returns undefined when the word is UNALLOCATED; floating point and Advanced SIMD are
 *   `simd`.
 */
export function disassembleA64(word: number): string | undefined {
  const form = formOf(word);
  if (!form) return undefined;
  const fields = fieldsOf(word, form);
  return form.syntax.replaceAll(/\{([^}]+)\}/g, (_, operand: string) => {
    const [kind = '', rest = ''] = operand.split('.');
    const format = OPERANDS[kind];
    if (!format) throw new Error(`${form.name}: no operand is ${operand}`);
    return format(fields, rest);
  });
}
