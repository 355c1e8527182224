// SPDX-License-Identifier: MIT
// Generates the interpreter of the arm64 vCPU and its decoder from the table of forms
// (assembly/layout/a64/a64-forms.ts) and the code of each form (assembly/arm64/forms).
// They are generated because a function of AssemblyScript cannot change the locals of its
// caller, and the program counter, the count and the flags have to be locals of the one
// function that has the switch.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { arithmetic } from '../assembly/arm64/forms/arithmetic.mjs';
import { compute } from '../assembly/arm64/forms/compute.mjs';
import { control, specialRecords } from '../assembly/arm64/forms/control.mjs';
import { logical } from '../assembly/arm64/forms/logical.mjs';
import { memory } from '../assembly/arm64/forms/memory.mjs';
import { BuildError, readIfFile } from './build-record.mjs';
import { importLayout } from './layout-tables.mjs';

/** @typedef {import('../assembly/layout/a64/a64-forms.ts').A64Form} A64Form */

/** What is made, relative to the root. */
const FAST = 'assembly/arm64/run-fast.ts';
const SLOW = 'assembly/arm64/run-slow.ts';
const DECODE = 'assembly/arm64/decode.ts';
const HANDLERS = 'assembly/arm64/handlers.ts';
const REGISTERS = 'assembly/arm64/system-registers.ts';

/** Handlers by number, and the conversion of forms to records. */
export class Builder {
  /** @type {Map<string, { fast?: string, slow?: string }>} */
  #handlers = new Map();
  /** @type {Map<string, string>} */
  #decoders = new Map();
  /** @type {Map<string, number> | undefined} */
  #numbered;

  /** @param {readonly A64Form[]} table */
  constructor(table) {
    this.table = table;
  }

  /** @param {string} name @param {{ fast?: string, slow?: string }} bodies */
  #add(name, bodies) {
    if (this.#handlers.has(name)) throw new BuildError(`two handlers are named ${name}`);
    this.#handlers.set(name, bodies);
  }

  /**
   * Adds a handler. After its body the next record follows, unless the body continues the
   * loop itself.
   * @param {string} name
   * @param {string} fast Code for the fast loop. It calls no function.
   * @param {string} [slow] Code for the slow loop, for records that the fast one leaves.
   */
  op(name, fast, slow) {
    this.#add(name, slow === undefined ? { fast } : { fast, slow });
  }

  /**
   * Adds a handler that the fast loop does not have.
   * @param {string} name
   * @param {string} slow
   */
  slow(name, slow) {
    this.#add(name, { slow });
  }

  /** Adds a handler that neither loop has: their caller checks. @param {string} name */
  neither = (name) => this.#add(name, {});

  /**
   * Sets the code that converts words of a form to records; `@NAME` is the number of a
   * handler, fields are names.
   * @param {string} name
   * @param {string} body
   */
  form(name, body) {
    if (!this.table.some((form) => form.name === name))
      throw new BuildError(`no form is named ${name}`);
    if (this.#decoders.has(name)) throw new BuildError(`two decoders are for ${name}`);
    this.#decoders.set(name, body);
  }

  /** Handlers by number: the slow loop's first, so that its numbers are dense too. */
  get handlers() {
    const all = [...this.#handlers].map(([name, bodies]) => ({ name, ...bodies }));
    return [
      ...all.filter(({ fast }) => fast === undefined),
      ...all.filter(({ fast, slow }) => fast !== undefined && slow !== undefined),
      ...all.filter(({ slow }) => slow === undefined),
    ];
  }

  /** Numbers by name, once all handlers have been added. */
  get #numbers() {
    this.#numbered ??= new Map(this.handlers.map(({ name }, number) => [name, number]));
    return this.#numbered;
  }

  /** @param {string} name */
  numberOf(name) {
    const number = this.#numbers.get(name);
    if (number === undefined) throw new BuildError(`no handler is named ${name}`);
    return number;
  }

  /** @param {A64Form} form */
  decoder({ name, fields }) {
    const body = this.#decoders.get(name);
    if (body === undefined) throw new BuildError(`nothing decodes ${name}`);
    const numbered = body.replaceAll(/@(\w+)/g, (_, handler) => String(this.numberOf(handler)));
    const used = fields.filter((field) => new RegExp(`\\b${field.name}\\b`).test(numbered));
    const lets = used.map(
      (field) => `const ${field.name}: u32 = word >> ${field.shift} & ${2 ** field.width - 1};`,
    );
    return `${lets.join(' ')} ${numbered}`;
  }
}

const hex = (/** @type {number} */ word) => `0x${word.toString(16)}`;

/** @param {Builder} builder */
function decoderSource(builder) {
  // By bits 28 to 24 first, then by forms in the order of the table: the ones with more
  // fixed bits come first.
  const cases = Array.from({ length: 32 }, (_, index) => {
    const forms = builder.table.filter(
      ({ mask, value }) => ((value ^ (index << 24)) & mask & 0x1f000000) === 0,
    );
    const tests = forms.map((form) => {
      const refused = form.exclusions.map(
        ({ mask, value }) => `(word & ${hex(mask)}) == ${hex(value)}`,
      );
      const body =
        refused.length > 0 ? `if (${refused.join(' || ')}) { undefined(); return; } ` : '';
      return `      if ((word & ${hex(form.mask)}) == ${hex(form.value)}) { ${body}${builder.decoder(form)} return; } // ${form.name}`;
    });
    return `    case ${index}: {\n${tests.join('\n')}\n      break;\n    }`;
  });
  return `// Made by scripts/generate-arm64.mjs from a64-forms.ts and assembly/arm64/forms.

import { FAST_READ_ONLY, FAST_SP_EL0, fastRegister } from './fast-registers';
import { ARM64_NUMBERS } from '../layout/arm64-state';
import { isNear, MASK_C, MASK_T, maskKind, maskOf, maskOperand, signed, spOf, zrOf } from './operand-fields';

${PUT}
/** Stores the record of the word \`at\` bytes after the start of its page, at once. */
export function decode(word: u32, record: usize, at: u32): void {
  switch (word >> 24 & 0x1f) {
${cases.join('\n')}
  }
  undefined();
}
`
    .replaceAll('undefined();', `store<u64>(record, ${builder.numberOf('UNDEFINED')});`)
    .replaceAll('nop();', `store<u64>(record, ${builder.numberOf('NOP')});`)
    .replaceAll(/(?<!function )\bput\(/g, 'put(record, ');
}

const PUT = `function put(record: usize, handler: u32, a: u32, b: u32, c: u32): void {
  store<u64>(record, u64(handler | a << 16 | b << 24) | u64(c) << 32);
}
`;

/**
 * Cases of a loop.
 * @param {Builder} builder @param {'fast' | 'slow'} loop
 */
const casesOf = (builder, loop) =>
  builder.handlers
    .flatMap((handler, number) => {
      const body = handler[loop];
      return body === undefined
        ? []
        : [`      case ${number}: { ${body} break; } // ${handler.name}`];
    })
    .join('\n');

const LEAVE = `store<usize>(cpu, dp, ARM64_DP);
  store<usize>(cpu, acc, ARM64_ACC);
  store<i64>(cpu, fa, ARM64_FA);
  store<i64>(cpu, fb, ARM64_FB);
  store<u32>(cpu, fk, ARM64_FK);`;
const ENTER = `let dp = load<usize>(cpu, ARM64_DP);
  // 8 times the instructions of this run are always acc + dp.
  let acc = load<usize>(cpu, ARM64_ACC);
  let fa = load<i64>(cpu, ARM64_FA);
  let fb = load<i64>(cpu, ARM64_FB);
  let fk = load<u32>(cpu, ARM64_FK);`;

/** @param {Builder} builder */
const fastSource = (builder) => `// Made by scripts/generate-arm64.mjs from assembly/arm64/forms.

import {
  ARM64_ACC, ARM64_BANK, ARM64_BARRIER, ARM64_DP, ARM64_EL, ARM64_FA, ARM64_FB, ARM64_FK,
  ARM64_LIMIT, ARM64_MONITOR_AT, ARM64_PC, ARM64_PC_OFFSET, ARM64_POSTED, ARM64_RECORD_FETCH,
  ARM64_RECORD_LIMIT, ARM64_RECORD_SLOW, ARM64_SP, ARM64_SPSEL, ARM64_TLB, ARM64_TLB_FETCH,
  ARM64_TLB_STRIDE, ARM64_TLB_WRITE, ARM64_TRAP_RECORD_AT, ARM64_X30, BANK_SP,
} from '../layout/arm64-state';
import { LOGIC, NZCV, SUB } from './lazy-flags';

/**
 * The fast loop: executes records up to one that it cannot execute, or not without help,
 * and leaves that one in ARM64_DP. It calls no function: a compiler keeps no local in a
 * register across a call, and would keep all of them in memory all the time.
 */
export function runFast(cpu: usize): void {
  ${ENTER}
  const tlb = cpu + ARM64_TLB + load<u32>(cpu, ARM64_EL) * ARM64_TLB_STRIDE;
  while (true) {
    switch (load<u16>(dp)) {
${casesOf(builder, 'fast')}
      default: {
        ${LEAVE}
        return;
      }
    }
    dp += 8;
  }
}
`;

/** @param {Builder} builder */
const slowSource = (builder) => `// Made by scripts/generate-arm64.mjs from assembly/arm64/forms.

import {
  ARM64_ACC, ARM64_BANK, ARM64_COUNT, ARM64_CRC32, ARM64_CRC32C, ARM64_DP, ARM64_EL, ARM64_EXIT,
  ARM64_FA, ARM64_FB, ARM64_FK, ARM64_LIMIT, ARM64_NZCV, ARM64_PC, ARM64_PC_OFFSET,
  ARM64_RECORD_LIMIT, ARM64_RECORD_TRAP, ARM64_RECORD_WEDGED, ARM64_SP, ARM64_SPSEL, ARM64_STARTED,
  ARM64_TRAP_RECORD_AT, BANK_SP,
} from '../layout/arm64-state';
import { ARM64_EXIT_STALE } from '../layout/arm64-results';
import { access } from './general-access';
import { decodeForgotten, decodeRecord } from './records';
import { boundary, takeFault, undefinedInstruction } from './exception';
import { locate } from './fetch';
import { foundStale } from './icache-check';
import { addFlags32, addFlags64, conditionHolds, flags, LOGIC, NZCV, SUB } from './lazy-flags';
import { crc, signedHigh } from './operations';
import { isSample } from './heat-samples';
import { slowLoad, slowStore } from './slow-access';
import { executeSystem } from './system';
import { AGAIN, NEXT } from './system-results';

/**
 * The slow loop: executes the record that the fast one has left, and the records that
 * follow as long as they are of that kind. Returns one of ARM64_EXIT_*, or NEXT when the
 * fast loop can continue.
 */
export function runSlow(cpu: usize): i32 {
  ${ENTER}
  while (true) {
    switch (load<u16>(dp)) {
${casesOf(builder, 'slow')}
      default: {
        ${LEAVE}
        return NEXT;
      }
    }
    dp += 8;
  }
}
`;

/** @param {Builder} builder */
function handlerSource(builder) {
  const names =
    'TRAP LIMIT FETCH WEDGED SLOW STOP PAGE_END REGION RESUME UNDEFINED NOP STALE FORGOTTEN';
  const lineOf = (/** @type {string} */ name) => `${name}: u64 = ${builder.numberOf(name)};`;
  const lines = names.split(' ').map((name) => `export const HANDLER_${lineOf(name)}`);
  return `// Made by scripts/generate-arm64.mjs: numbers of handlers that execute no guest code.\n\n${lines.join('\n')}\n`;
}

const KINDS = { value: 1, own: 2, bank: 2, board: 3, special: 4 };

/** @param {any} layout */
function registerSource({ ARM64_REGISTER_TABLE, A64_EL0_TRAPS }) {
  /** @type {Map<number, any[]>} */
  const byCrn = new Map();
  for (const register of ARM64_REGISTER_TABLE) {
    const crn = (register.encoding >> 7) & 15;
    byCrn.set(crn, [...(byCrn.get(crn) ?? []), register]);
  }
  const describe = (/** @type {any} */ { kind, bank, slot, el0, el1, trap }) => {
    const access = [el1.includes('r'), el1.includes('w'), el0.includes('r'), el0.includes('w')];
    const bits = access.reduce((sum, allowed, index) => sum | (allowed ? 1 << (20 + index) : 0), 0);
    const offset =
      kind === 'bank'
        ? `ARM64_BANK + ARM64_BANK_STRIDE + BANK_${bank}`
        : kind === 'own'
          ? `ARM64_REGISTERS + ${8 * slot}`
          : '0';
    const fixed =
      bits | (KINDS[/** @type {'own'} */ (kind)] << 16) | ((A64_EL0_TRAPS.indexOf(trap) + 1) << 24);
    return `${hex(fixed)} | (${offset})`;
  };
  const table = (/** @type {(register: any) => string} */ value) =>
    [...byCrn]
      .sort(([a], [b]) => a - b)
      .map(([crn, registers]) => {
        const tests = registers.map(
          (register) =>
            `      if (encoding == ${hex(register.encoding)}) return ${value(register)}; // ${register.name}`,
        );
        return `    case ${crn}:\n${tests.join('\n')}\n      break;`;
      })
      .join('\n');
  const banks = [
    ...new Set(
      ARM64_REGISTER_TABLE.filter((/** @type {any} */ { bank }) => bank !== '').map(
        (/** @type {any} */ { bank }) => `BANK_${bank}`,
      ),
    ),
  ];
  const own = ARM64_REGISTER_TABLE.filter((/** @type {any} */ { slot }) => slot >= 0);
  const slots = own.map(
    (/** @type {any} */ { name, slot }) =>
      `export const AT_${name}: usize = ARM64_REGISTERS + ${8 * slot};`,
  );
  return `// Made by scripts/generate-arm64.mjs from assembly/layout/a64/arm64-registers.ts.

import { ARM64_BANK, ARM64_BANK_STRIDE, ARM64_REGISTERS, ${banks.join(', ')} } from '../layout/arm64-state';

// Kinds of registers.
export const KIND_VALUE: u32 = 1;
export const KIND_STORAGE: u32 = 2;
export const KIND_BOARD: u32 = 3;
export const KIND_SPECIAL: u32 = 4;

// Traps of EL0, by number.
${A64_EL0_TRAPS.map((/** @type {string} */ name, /** @type {number} */ index) => `export const TRAP_${name}: u32 = ${index + 1};`).join('\n')}

// Encodings of registers with their own code.
${ARM64_REGISTER_TABLE.filter((/** @type {any} */ { kind }) => kind === 'special')
  .map(
    (/** @type {any} */ { name, encoding }) =>
      `export const REGISTER_${name}: u32 = ${hex(encoding)};`,
  )
  .join('\n')}

// Offsets of the registers that are storage of the vCPU.
${slots.join('\n')}

/**
 * Describes a register: offset in the vCPU block in bits 15 to 0, kind in 19 to 16,
 * access of EL1 (read, write) and EL0 (read, write) in 20 to 23, the trap of EL0 in 27 to
 * 24. 0 for an unknown register.
 */
export function describeRegister(encoding: u32): u32 {
  switch (encoding >> 7 & 15) {
${table(describe)}
  }
  return 0;
}

/**
 * The value that a register of kind KIND_VALUE reads; the writable bits of one of
 * KIND_STORAGE.
 */
export function registerBits(encoding: u32): u64 {
  switch (encoding >> 7 & 15) {
${table((/** @type {any} */ { bits }) => `0x${bits.toString(16)}`)}
  }
  return 0;
}
`;
}

/**
 * Writes the sources that have changed.
 * @param {string} root
 * @throws {BuildError} when a form has no decoder.
 */
export async function generateArm64(root) {
  const { A64_FORMS } = await importLayout(root, [
    'a64/a64-forms-data',
    'a64/a64-forms-memory',
    'a64/a64-forms',
  ]);
  const builder = new Builder(A64_FORMS);
  for (const part of [specialRecords, arithmetic, logical, compute, control, memory]) part(builder);
  const registers = await importLayout(root, ['a64/arm64-registers']);
  const sources = {
    [FAST]: fastSource(builder),
    [SLOW]: slowSource(builder),
    [DECODE]: decoderSource(builder),
    [HANDLERS]: handlerSource(builder),
    [REGISTERS]: registerSource(registers),
  };
  for (const [file, source] of Object.entries(sources)) {
    const path = join(root, file);
    if (readIfFile(path)?.toString() === source) continue;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, source);
  }
}
