// SPDX-License-Identifier: MIT
// Assembles one A64 instruction with the table of forms: the preferred names of
// instructions, as in the disassembler. A word is accepted when the disassembler writes
// it the same way; what the disassembler does not know is not an instruction here either.

import {
  A64_FORMS,
  type A64Form,
  type A64Fields as Fields,
  matches,
} from '../../../assembly/layout/a64/a64-forms.ts';
import { ARM64_REGISTER_TABLE } from '../../../assembly/layout/a64/arm64-registers.ts';
import {
  A64_BARRIERS,
  A64_CONDITIONS,
  A64_EXTENSIONS,
  A64_SHIFTS,
  disassembleA64,
} from './a64-disassembler.ts';
import { bitMaskOf } from './a64-fields.ts';

const IMMEDIATE = '#(-?(?:0x[0-9a-f]+|[0-9]+))';
const REGISTER = '([xw]\\d+|xzr|wzr|sp|wsp)';
const BASE = `\\[${REGISTER}`;

const numberOf = (text: string | undefined) => Number(text ?? 0);
const registerOf = (text = '') => Number(/^[xw](\d+)$/.exec(text)?.[1] ?? 31);
const isWide = (text = '') => (/^(x|sp)/.test(text) ? 1 : 0);
const bits = (value: number, low: number, width: number) =>
  Math.floor(value / 2 ** low) & (2 ** width - 1);

/** Fields of immediate masks, by width and value. */
let masks: ReadonlyMap<string, Fields> | undefined;

function allMasks(): ReadonlyMap<string, Fields> {
  const found = new Map<string, Fields>();
  const form = A64_FORMS.find(({ name }) => name === 'AND_IMM');
  for (let n = 0; form && n < 2 ** 14; n++) {
    const fields = { sf: n >> 13, N: (n >> 12) & 1, immr: (n >> 6) & 63, imms: n & 63 };
    if (!isAllocated(form, wordOf(form, fields))) continue;
    const key = `${fields.sf} ${bitMaskOf(fields)}`;
    // Of equivalent encodings, the one with the smallest rotation.
    if (!found.has(key)) found.set(key, fields);
  }
  return found;
}

/** The word of a form with these fields. Bits that are ignored should be 1. */
function wordOf(form: A64Form, fields: Fields): number {
  let word = form.value;
  let known = form.mask;
  for (const { name, shift, width } of form.fields) {
    const mask = 2 ** width - 1;
    known += mask * 2 ** shift;
    word += ((fields[name] ?? 0) & mask) * 2 ** shift;
  }
  return word + (0xffffffff - known);
}

const isAllocated = ({ exclusions }: A64Form, word: number) =>
  !exclusions.some((exclusion) => matches(word, exclusion));

/** The syntax of an operand, and its fields from the groups of the pattern, in order. */
interface Operand {
  readonly pattern: (rest: string) => string;
  readonly fields: (
    groups: readonly (string | undefined)[],
    rest: string,
    before: Fields,
  ) => Fields;
}

const register = (hasWidth: boolean): Operand => ({
  pattern: () => REGISTER,
  fields: ([text], rest) => ({
    [rest]: registerOf(text),
    ...(hasWidth ? { sf: isWide(text) } : {}),
  }),
});
const immediate = (name?: string): Operand => ({
  pattern: () => IMMEDIATE,
  fields: ([text], rest) => ({ [name ?? rest]: numberOf(text) }),
});
const distance = (name: string): Operand => ({
  pattern: () => IMMEDIATE,
  fields: ([text]) => ({ [name]: numberOf(text) / 4 }),
});
const address = (unit: number): Operand => ({
  pattern: () => IMMEDIATE,
  fields: ([text]) => {
    const pages = Math.floor(numberOf(text) / unit);
    return { immlo: bits(pages, 0, 2), immhi: bits(pages, 2, 19) };
  },
});
/** An offset of a base; `before` and `after` are for the bracket. */
const offset = (name: string, before: string, after: string): Operand => ({
  pattern: () => `${BASE}${before}${after}`,
  fields: ([base, text], rest) => ({
    Rn: registerOf(base),
    [name]: numberOf(text) / 2 ** (name === 'imm12' ? Number.parseInt(rest, 2) : numberOf(rest)),
  }),
});
const INSIDE = `, ${IMMEDIATE}`;
const systemRegister = (): Operand => ({
  pattern: () => '(\\w+)',
  fields: ([text = '']) => {
    const named = ARM64_REGISTER_TABLE.find(({ name }) => name.toLowerCase() === text);
    const numbers = /^s(\d)_(\d)_c(\d+)_c(\d+)_(\d)$/.exec(text)?.slice(1).map(Number);
    const [op0 = 0, op1 = 0, CRn = 0, CRm = 0, op2 = 0] = named
      ? [
          [14, 2],
          [11, 3],
          [7, 4],
          [3, 4],
          [0, 3],
        ].map(([low = 0, width = 0]) => bits(named.encoding, low, width))
      : (numbers ?? []);
    return { o0: op0 & 1, op1, CRn, CRm, op2 };
  },
});
const shiftName = (names: readonly string[]) => `(${names.join('|')})`;

const OPERANDS: Readonly<Record<string, Operand>> = {
  r: register(true),
  rsp: register(true),
  x: register(false),
  w: register(false),
  // The next register after another, which is not encoded in the word.
  xnext: { pattern: () => REGISTER, fields: () => ({}) },
  wnext: { pattern: () => REGISTER, fields: () => ({}) },
  d: immediate(),
  h: immediate(),
  c: { pattern: () => 'c(\\d+)', fields: ([text], rest) => ({ [rest]: numberOf(text) }) },
  cond: {
    pattern: () => shiftName(A64_CONDITIONS),
    fields: ([text = '']) => ({ cond: A64_CONDITIONS.indexOf(text) }),
  },
  adr: address(1),
  adrp: address(4096),
  imm12: {
    pattern: () => `${IMMEDIATE}(, lsl #12)?`,
    fields: ([text, shifted]) => ({ imm12: numberOf(text), sh: shifted ? 1 : 0 }),
  },
  bitmask: {
    pattern: () => IMMEDIATE,
    // Its fields depend on the width of the registers, which are decoded before.
    fields: ([text = '0'], _, { sf }) => {
      masks ??= allMasks();
      return masks.get(`${sf} ${BigInt.asUintN(sf ? 64 : 32, BigInt(text))}`) ?? {};
    },
  },
  hw: {
    pattern: () => `(?:, lsl ${IMMEDIATE})?`,
    fields: ([text]) => ({ hw: numberOf(text) / 16 }),
  },
  shift: {
    pattern: () => `(?:, ${shiftName(A64_SHIFTS)} ${IMMEDIATE})?`,
    fields: ([name = 'lsl', text]) => ({
      shift: A64_SHIFTS.indexOf(name),
      imm6: numberOf(text),
    }),
  },
  extended: {
    pattern: () => `${REGISTER}(?:, ${shiftName([...A64_EXTENSIONS, 'lsl'])}(?: ${IMMEDIATE})?)?`,
    fields: ([rm, name = 'lsl', text], _, { sf }) => ({
      Rm: registerOf(rm),
      option: A64_EXTENSIONS.indexOf(name !== 'lsl' ? name : sf ? 'uxtx' : 'uxtw'),
      imm3: numberOf(text),
    }),
  },
  imm26: distance('imm26'),
  imm19: distance('imm19'),
  imm14: distance('imm14'),
  testbit: {
    pattern: () => `${REGISTER}, ${IMMEDIATE}`,
    fields: ([rt, text]) => ({
      Rt: registerOf(rt),
      b5: numberOf(text) >> 5,
      b40: numberOf(text) & 31,
    }),
  },
  base: { pattern: () => `${BASE}\\]`, fields: ([base]) => ({ Rn: registerOf(base) }) },
  uimm12: offset('imm12', INSIDE, '\\]'),
  offset9: offset('imm9', INSIDE, '\\]'),
  pre9: offset('imm9', INSIDE, '\\]!'),
  post9: offset('imm9', '\\]', INSIDE),
  offset7: offset('imm7', INSIDE, '\\]'),
  pre7: offset('imm7', INSIDE, '\\]!'),
  post7: offset('imm7', '\\]', INSIDE),
  regoffset: {
    pattern: () =>
      `${BASE}, ${REGISTER}(?:, ${shiftName([...A64_EXTENSIONS, 'lsl'])}( #\\d+)?)?\\]`,
    fields: ([base, rm, name = 'lsl', shifted]) => ({
      Rn: registerOf(base),
      Rm: registerOf(rm),
      option: A64_EXTENSIONS.indexOf(name === 'lsl' ? 'uxtx' : name),
      S: shifted === undefined ? 0 : 1,
    }),
  },
  prefetch: {
    pattern: () => '(?:p(ld|li|st)l([123])(keep|strm)|#(\\d+))',
    fields: ([type = '', level, policy, number]) => ({
      Rt:
        number === undefined
          ? 8 * ['ld', 'li', 'st'].indexOf(type) +
            2 * (numberOf(level) - 1) +
            (policy === 'strm' ? 1 : 0)
          : numberOf(number),
    }),
  },
  hint: {
    pattern: () => IMMEDIATE,
    fields: ([text]) => ({ CRm: bits(numberOf(text), 3, 4), op2: bits(numberOf(text), 0, 3) }),
  },
  isb: {
    pattern: () => `(?:sy|${IMMEDIATE})`,
    fields: ([text]) => ({ CRm: text === undefined ? 15 : numberOf(text) }),
  },
  barrier: {
    pattern: () => `(?:(\\w+)|${IMMEDIATE})`,
    fields: ([name, text]) => ({
      CRm: [...A64_BARRIERS].find(([, one]) => one === name)?.[0] ?? numberOf(text),
    }),
  },
  readable: systemRegister(),
  writable: systemRegister(),
};

/** A form with its syntax. */
interface Shape {
  readonly form: A64Form;
  readonly pattern: RegExp;
  readonly operands: readonly { readonly operand: Operand; readonly rest: string }[];
  /** Groups of the pattern of each operand. */
  readonly groups: readonly number[];
}

const groupsOf = (pattern: string) => (new RegExp(`${pattern}|`).exec('')?.length ?? 1) - 1;

function shapeOf(form: A64Form): Shape {
  const parts = form.syntax.split(/\{([^}]+)\}/);
  const operands = parts
    .filter((_, i) => i % 2 === 1)
    .map((text) => {
      const [kind = '', rest = ''] = text.split('.');
      const operand = OPERANDS[kind];
      if (!operand) throw new Error(`${form.name}: no operand is ${text}`);
      return { operand, rest };
    });
  const patterns = operands.map(({ operand, rest }) => operand.pattern(rest));
  const whole = parts
    .map((text, i) =>
      i % 2 === 1
        ? patterns[(i - 1) / 2]
        : text.toLowerCase().replaceAll(/[[\]().]/g, (character) => `\\${character}`),
    )
    .join('');
  return { form, operands, groups: patterns.map(groupsOf), pattern: new RegExp(`^${whole}$`) };
}

/** Forms by their mnemonic. */
let shapes: ReadonlyMap<string, readonly Shape[]> | undefined;

function allShapes(): ReadonlyMap<string, readonly Shape[]> {
  const found = new Map<string, Shape[]>();
  // A register that is not extended has the same syntax in two forms: the shifted one is
  // used.
  const isExtended = ({ name }: A64Form) => name.endsWith('_EXT');
  for (const form of A64_FORMS.toSorted((a, b) => +isExtended(a) - +isExtended(b))) {
    const [mnemonic = ''] = form.syntax.split(/[ .]/);
    const list = found.get(mnemonic) ?? [];
    list.push(shapeOf(form));
    found.set(mnemonic, list);
  }
  return found;
}

function fieldsIn({ operands, groups, pattern }: Shape, text: string): Fields | undefined {
  const found = pattern.exec(text)?.slice(1);
  if (!found) return undefined;
  let fields: Fields = {};
  let at = 0;
  for (const [i, { operand, rest }] of operands.entries()) {
    const own = found.slice(at, at + (groups[i] ?? 0));
    at += groups[i] ?? 0;
    fields = { ...fields, ...operand.fields(own, rest, fields) };
  }
  // Unless N is a part of a mask, it equals sf.
  return { N: fields.sf ?? 0, ...fields };
}

/** A line in lower case, with single spaces, and one after each comma. */
export function evenlySpaced(text: string): string {
  return text.trim().toLowerCase().replaceAll(/\s+/g, ' ').replaceAll(/ ?, ?/g, ', ');
}

/** A line in the form for comparison: numbers in decimal, and no -0. */
function plainAssembly(text: string): string {
  return evenlySpaced(text).replaceAll(
    /#(-?)(0x[0-9a-f]+|\d+)/g,
    (_, sign: string, digits: string) =>
      BigInt(digits) === 0n ? '#0' : `#${sign}${BigInt(digits)}`,
  );
}

const withOffset = (text: string) => text.replace(/^([^[]*\[(?:x\d+|sp))\](?!, #)/, '$1, #0]');

/**
 * The word of one instruction, unsigned. Branches and addresses are relative to it.
 * @param text in the disassembler's syntax, in any case; `[Xn]` is accepted for `[Xn,
 *   #0]`.
 * @returns undefined when it is not an instruction.
 */
export function assembleA64(text: string): number | undefined {
  const plain = plainAssembly(text);
  shapes ??= allShapes();
  const [mnemonic = ''] = plain.split(/[ .]/);
  for (const shape of shapes.get(mnemonic) ?? []) {
    for (const line of [plain, withOffset(plain)]) {
      const fields = fieldsIn(shape, line);
      if (!fields) continue;
      const word = wordOf(shape.form, fields);
      if (plainAssembly(disassembleA64(word) ?? '') === line) return word;
    }
  }
  return undefined;
}
