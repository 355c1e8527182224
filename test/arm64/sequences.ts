// SPDX-License-Identifier: MIT
// Random sequences of A64 instructions for the differential test: every form that EL0 may
// execute without an exception, with operands that favour edge values. Everything is
// derived from the seed.

import { A64_FORMS, type A64Form, matches } from '../../assembly/layout/a64/a64-forms.ts';

/** Address of the code, two pages. */
export const CODE = 0x2000_0000;
/**
 * Address of the data, and the middle around which the bases point: bases stay within
 * 0x100 of it except after write-back.
 */
export const DATA = 0x2001_0000;
export const DATA_SIZE = 0x2_0000;
export const MIDDLE = DATA + 0x8000;
/** Compared after each sequence: 8 KiB around the middle. */
export const WINDOW = MIDDLE - 0x1000;
export const WINDOW_SIZE = 0x2000;

// Registers that are never a destination: index, aligned base, bases (one of them near
// the end of a page).
const INDEX = 24;
const ALIGNED = 25;
/** Contains the address after the sequence, for branches through a register. */
const END = 26;
const BASES = [27, 28] as const;
/** Destinations are below this number, or 31. */
const DESTINATIONS = 24;

/** The state before a sequence, and its instructions. */
export interface Sequence {
  /** Offset of the first instruction in the code pages. */
  readonly offset: number;
  readonly words: readonly number[];
  /** X0 to X30, SP. */
  readonly registers: readonly bigint[];
  /** NZCV, bits 31 to 28. */
  readonly nzcv: number;
}

/** Numbers from a seed (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 32 bits, unsigned. */
  word(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }

  /** 0 to `limit` - 1. */
  below(limit: number): number {
    return Math.floor((this.word() / 2 ** 32) * limit);
  }

  pick<T>(list: readonly T[]): T {
    const item = list[this.below(list.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }
}

const EDGES: readonly bigint[] = [
  0n,
  1n,
  2n,
  0x7fn,
  0x80n,
  0xffn,
  0x7fffn,
  0x8000n,
  0xffffn,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  0x1_0000_0000n,
  0x7fff_ffff_ffff_ffffn,
  0x8000_0000_0000_0000n,
  0xffff_ffff_0000_0000n,
  0xffff_ffff_8000_0000n,
  0xffff_ffff_ffff_fffen,
  0xffff_ffff_ffff_ffffn,
];

function value64(random: Random): bigint {
  if (random.below(2) === 0) return random.pick(EDGES);
  return (BigInt(random.word()) << 32n) | BigInt(random.word());
}

const NOP = 0xd503201f;

/**
 * Forms that are left out: they leave EL0, depend on the machine, or are UNDEFINED here.
 */
const LEFT_OUT = new Set([
  ...['SVC', 'HVC', 'SMC', 'BRK', 'HLT', 'DCPS1', 'DCPS2', 'DCPS3', 'ERET', 'DRPS'],
  ...[
    'MSR_PAN',
    'MSR_SPSel',
    'MSR_DAIFSet',
    'MSR_DAIFClr',
    'SYS',
    'SYSL',
    'MSR',
    'MRS',
    'HINT',
    'BR',
    'BLR',
    'RET',
  ],
  // Not implemented by the oracle's CPU, and only a barrier.
  'SB',
]);
/**
 * The forms in sequences; branches through registers, flags and DC ZVA are added by hand.
 */
export const TESTED_FORMS = A64_FORMS.filter(
  ({ name, feature }) => feature !== 'FP' && !LEFT_OUT.has(name),
);

const MEMORY_GROUPS = new Set([
  ...['unsigned-offset', 'unscaled', 'unprivileged', 'post-indexed', 'pre-indexed'],
  ...['register-offset', 'pair', 'exclusive', 'compare-and-swap', 'atomic', 'acquire'],
]);
const ALIGNED_GROUPS = new Set(['exclusive', 'compare-and-swap', 'atomic', 'acquire']);
const BRANCHES = new Set(['B', 'BL', 'BCOND', 'CBZ', 'CBNZ', 'TBZ', 'TBNZ']);

function destination(random: Random): number {
  return random.below(8) === 0 ? 31 : random.below(DESTINATIONS);
}

/** A form by name. */
function formNamed(name: string): A64Form {
  const form = A64_FORMS.find((one) => one.name === name);
  if (!form) throw new Error(`no form is named ${name}`);
  return form;
}

/**
 * The word of a form with these fields; bits outside all fields are 1, as they should be.
 */
export function encode(form: A64Form, fields: Readonly<Record<string, number>>): number {
  const given = form.fields.map(({ name, shift, width }) => {
    const mask = (2 ** width - 1) * 2 ** shift;
    return { mask, bits: ((fields[name] ?? 0) & (2 ** width - 1)) * 2 ** shift };
  });
  const named = given.reduce((sum, { mask }) => sum + mask, 0);
  const ignored = 2 ** 32 - 1 - form.mask - named;
  return form.value + ignored + given.reduce((sum, { bits }) => sum + bits, 0);
}

function fieldValue(random: Random, form: A64Form, name: string, width: number): number {
  const memory = MEMORY_GROUPS.has(form.group);
  if (name === 'Rn' && memory) return ALIGNED_GROUPS.has(form.group) ? ALIGNED : random.pick(BASES);
  if (name === 'Rm' && form.group === 'register-offset') return random.pick([INDEX, 31]);
  if (['Rd', 'Rt', 'Rt2'].includes(name)) return destination(random);
  if (name === 'Rs') return form.group === 'atomic' ? random.below(32) : destination(random);
  if (width === 5 && name.startsWith('R')) return random.below(32);
  // A skip of 1 to 3 instructions: offsets in words.
  if (BRANCHES.has(form.name) && ['imm26', 'imm19', 'imm14'].includes(name))
    return 1 + random.below(3);
  if (form.group === 'literal' && name === 'imm19') return random.below(4);
  if (name === 'imm12' && memory && random.below(4) !== 0) return random.below(64);
  const edge = random.below(3);
  if (edge === 0) return 0;
  if (edge === 1) return 2 ** width - 1;
  return random.below(2 ** width);
}

/**
 * CONSTRAINED UNPREDICTABLE: write-back to a register that is loaded, a pair into one, a
 * status over an operand.
 */
function isUnpredictable({ group, name }: A64Form, f: Readonly<Record<string, number>>): boolean {
  if (group === 'post-indexed' || group === 'pre-indexed') return f.Rn === f.Rt;
  if (group === 'pair') return f.Rt === f.Rt2 || f.Rn === f.Rt || f.Rn === f.Rt2;
  if (group !== 'exclusive') return false;
  if (name.startsWith('LD')) return f.Rt2 !== undefined && f.Rt === f.Rt2;
  if (f.Rs === undefined) return false;
  return f.Rs === f.Rt || f.Rs === f.Rt2 || f.Rs === f.Rn;
}

/** One instruction of a form. */
function instruction(random: Random, form: A64Form): number {
  for (;;) {
    const fields = Object.fromEntries(
      form.fields.map(({ name, width }) => [name, fieldValue(random, form, name, width)]),
    );
    const word = encode(form, fields);
    const refused = form.exclusions.some((exclusion) => matches(word, exclusion));
    if (!refused && !isUnpredictable(form, fields)) return word;
  }
}

const LDXR_OF = (name: string) => name.replace(/^STL?X/, 'LDX');

/**
 * Sequences that are not one instruction of a form: an exclusive pair, branches through
 * registers, flags, DC ZVA.
 */
function composite(random: Random): number[] {
  switch (random.below(5)) {
    case 0:
      return [encode(formNamed(random.pick(['BR', 'BLR', 'RET'])), { Rn: END })];
    case 1: // MRS, MSR NZCV
      return [(0xd53b4200 | destination(random)) >>> 0];
    case 2:
      return [(0xd51b4200 | random.below(32)) >>> 0];
    case 3: // DC ZVA
      return [(0xd50b7420 | ALIGNED) >>> 0];
    default: // TPIDR_EL0
      return [
        (0xd51bd040 | random.below(32)) >>> 0,
        (0xd53bd040 | destination(random)) >>> 0,
        encode(formNamed('HINT'), { CRm: 0, op2: random.pick([0, 1, 6]) }),
      ];
  }
}

function instructions(random: Random, form: A64Form): number[] {
  const word = instruction(random, form);
  // The monitor is cleared again: a store of another size than the load's is CONSTRAINED
  // UNPREDICTABLE.
  if (/^LDA?X/.test(form.name)) return [word, encode(formNamed('CLREX'), {})];
  if (!/^STL?X/.test(form.name)) return [word];
  // The store may succeed: a load of its size precedes it, into registers that it does
  // not use.
  const load = formNamed(LDXR_OF(form.name));
  const rt = random.below(DESTINATIONS);
  const fields = { Rn: ALIGNED, Rt: rt, Rt2: (rt + 1) % DESTINATIONS };
  return random.below(3) === 0 ? [word] : [encode(load, fields), word];
}

/** A sequence of about `length` instructions. */
export function sequence(random: Random, length: number, forms = TESTED_FORMS): Sequence {
  const words: number[] = [];
  while (words.length < length)
    words.push(
      ...(random.below(16) === 0 ? composite(random) : instructions(random, random.pick(forms))),
    );
  // Targets of branches and literals of the last instruction.
  words.push(NOP, NOP, NOP, NOP);
  const registers = Array.from({ length: 32 }, () => value64(random));
  registers[INDEX] = BigInt(random.below(64));
  registers[ALIGNED] = BigInt(MIDDLE + 64 * random.below(8));
  registers[BASES[0]] = BigInt(MIDDLE + 0x1000 - random.below(20));
  registers[BASES[1]] = BigInt(MIDDLE + random.below(256));
  // Some cross the end of the first page.
  const offset =
    random.below(4) === 0 ? 0x1000 - 4 * (1 + random.below(length)) : 4 * random.below(64);
  registers[END] = BigInt(CODE + offset + 4 * (words.length - 4));
  return { offset, words, registers, nzcv: (random.below(16) << 28) >>> 0 };
}
