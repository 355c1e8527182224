// SPDX-License-Identifier: MIT
// Assembles an A64 program: instructions with labels, names for numbers, data. There are
// two passes: the first one assigns addresses to labels, as every instruction has four
// bytes.

import { assembleA64, evenlySpaced } from './a64-assembler.ts';
import { A64_CONDITIONS } from './a64-disassembler.ts';

/** An error in the source. */
export class AssemblyError extends Error {
  override readonly name = 'AssemblyError';
  /** Line number, from 1. */
  readonly line: number;

  constructor(line: number, message: string) {
    super(`line ${line}: ${message}`);
    this.line = line;
  }
}

const REGISTER = '[xw]\\d+|xzr|wzr';

/** Aliases of other instructions in assemblers, with their translation. */
const ALIASES: readonly (readonly [RegExp, (...groups: string[]) => string])[] = [
  [/^nop$/, () => 'hint #0'],
  [/^wfe$/, () => 'hint #2'],
  [/^wfi$/, () => 'hint #3'],
  [/^sev$/, () => 'hint #4'],
  [/^isb$/, () => 'isb sy'],
  [/^ret$/, () => 'ret x30'],
  [/^mov (\w+), (#\S+)$/, moveImmediate],
  [/^mov (\w+), (sp|\w+)$/, moveRegister],
  [new RegExp(`^cmp (sp|${REGISTER}), (.*)$`), (a = '', b = '') => `subs ${zeroOf(a)}, ${a}, ${b}`],
  [/^tst (\w+), (.*)$/, (a = '', b = '') => `ands ${zeroOf(a)}, ${a}, ${b}`],
  [/^mul (\w+), (\w+), (\w+)$/, (d = '', a = '', b = '') => `madd ${d}, ${a}, ${b}, ${zeroOf(d)}`],
  [/^lsl (\w+), (\w+), #(\d+)$/, (d = '', n = '', by = '') => shiftLeft(d, n, Number(by))],
  [
    /^lsr (\w+), (\w+), (#\d+)$/,
    (d = '', n = '', by = '') => `ubfm ${d}, ${n}, ${by}, #${bitsOf(d) - 1}`,
  ],
  [/^cset (\w+), (\w\w)$/, (d = '', condition = '') => setIf(d, condition)],
];

const bitsOf = (register: string) => (register.startsWith('w') ? 32 : 64);
const zeroOf = (register: string) => (register.startsWith('w') ? 'wzr' : 'xzr');

function moveRegister(to = '', from = ''): string {
  return to === 'sp' || from === 'sp'
    ? `add ${to}, ${from}, #0`
    : `orr ${to}, ${zeroOf(to)}, ${from}`;
}

/** A single instruction for the value: MOVZ, MOVN or ORR of a mask. */
function moveImmediate(to = '', text = ''): string {
  const width = BigInt(bitsOf(to));
  const value = BigInt.asUintN(Number(width), numberIn(text.slice(1)));
  const ones = (1n << width) - 1n;
  for (let shift = 0n; shift < width; shift += 16n) {
    const suffix = shift === 0n ? '' : `, lsl #${shift}`;
    if ((value & ~(0xffffn << shift)) === 0n) return `movz ${to}, #${value >> shift}${suffix}`;
    const rest = value ^ ones;
    if ((rest & ~(0xffffn << shift)) === 0n) return `movn ${to}, #${rest >> shift}${suffix}`;
  }
  return `orr ${to}, ${zeroOf(to)}, #${value}`;
}

function shiftLeft(to: string, from: string, by: number): string {
  const bits = bitsOf(to);
  return `ubfm ${to}, ${from}, #${(bits - by) % bits}, #${bits - 1 - by}`;
}

function setIf(to: string, condition: string): string {
  const opposite = A64_CONDITIONS[A64_CONDITIONS.indexOf(condition) ^ 1];
  return `csinc ${to}, ${zeroOf(to)}, ${zeroOf(to)}, ${opposite}`;
}

function numberIn(text: string): bigint {
  const isNegative = text.startsWith('-');
  const value = BigInt(isNegative ? text.slice(1) : text);
  return isNegative ? -value : value;
}

/** The instruction that an alias represents. */
function withoutAlias(text: string): string {
  for (const [pattern, instead] of ALIASES) {
    const found = pattern.exec(text);
    if (found) return instead(...found.slice(1));
  }
  return text;
}

/** A statement and its place. */
interface Statement {
  readonly line: number;
  readonly text: string;
  readonly at: number;
}

const NAME = /^[a-z_.$][\w.$]*$/i;

class Program {
  readonly #base: number;
  readonly #names = new Map<string, bigint>();
  readonly #statements: Statement[] = [];
  #at: number;

  constructor(base: number) {
    this.#base = base;
    this.#at = base;
  }

  #define(line: number, name: string, value: bigint): void {
    if (!NAME.test(name)) throw new AssemblyError(line, `${name} is not a name`);
    if (this.#names.has(name)) throw new AssemblyError(line, `there are two ${name}`);
    this.#names.set(name, value);
  }

  /** A number, a name, or a sum or difference of them. */
  #value(line: number, text: string): bigint {
    let sum = 0n;
    for (const [, sign, term = ''] of text.replaceAll(/\s/g, '').matchAll(/([+-]?)([^+-]+)/g)) {
      const isNumber = /^(0x[0-9a-f]+|\d+)$/i.test(term);
      const value = isNumber ? numberIn(term) : this.#names.get(term);
      if (value === undefined) throw new AssemblyError(line, `nothing is called ${term}`);
      sum += sign === '-' ? -value : value;
    }
    return sum;
  }

  /** The first pass, for one line of the source. */
  read(line: number, source: string): void {
    let text = source.replace(/\/\/.*$/, '').trim();
    for (let label = /^([\w.$]+):\s*/.exec(text); label; label = /^([\w.$]+):\s*/.exec(text)) {
      this.#define(line, label[1] ?? '', BigInt(this.#at));
      text = text.slice(label[0].length);
    }
    if (text === '') return;
    const [, name = '', value = ''] = /^\.equ\s+([^,]+),\s*(.*)$/.exec(text) ?? [];
    if (name !== '') {
      this.#define(line, name, this.#value(line, value));
      return;
    }
    this.#statements.push({ line, text, at: this.#at });
    this.#at += this.#sizeOf(line, text);
  }

  #sizeOf(line: number, text: string): number {
    const [directive = '', rest = ''] = text.split(/\s+(.*)/s);
    if (directive === '.balign') {
      const to = Number(this.#value(line, rest));
      if (to < 1) throw new AssemblyError(line, 'an alignment is at least 1');
      return (to - ((this.#at - this.#base) % to)) % to;
    }
    if (directive === '.asciz') return new TextEncoder().encode(textIn(line, rest)).length + 1;
    if (directive === '.quad') return 8 * rest.split(',').length;
    if (directive.startsWith('.') && directive !== '.word')
      throw new AssemblyError(line, `there is no ${directive}`);
    return directive === '.word' ? 4 * rest.split(',').length : 4;
  }

  /** The second pass. */
  bytes(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.#at - this.#base);
    const view = new DataView(bytes.buffer);
    for (const { line, text, at } of this.#statements) {
      const to = at - this.#base;
      const [directive = '', rest = ''] = text.split(/\s+(.*)/s);
      const values = () => rest.split(',').map((one) => this.#value(line, one));
      if (directive === '.asciz') bytes.set(new TextEncoder().encode(textIn(line, rest)), to);
      else if (directive === '.quad')
        for (const [i, value] of values().entries()) view.setBigUint64(to + 8 * i, value, true);
      else if (directive === '.word')
        for (const [i, value] of values().entries())
          view.setUint32(to + 4 * i, Number(value), true);
      else if (directive !== '.balign') view.setUint32(to, this.#instruction(line, text, at), true);
    }
    return bytes;
  }

  #instruction(line: number, source: string, at: number): number {
    // A name after # is a number; the last operand of a branch or an address is a label.
    const named = source.replaceAll(/#([a-z_.$][\w.$+-]*)/gi, (_, name: string) => {
      return `#${this.#value(line, name)}`;
    });
    const isFar = /^(b|bl|b\.\w\w|cbn?z|tbn?z|adr) /.test(evenlySpaced(source));
    const [label = ''] = isFar ? (/[^\s,]+$/.exec(named) ?? []) : [];
    const far = this.#names.has(label)
      ? `${named.slice(0, -label.length)}#${(this.#names.get(label) ?? 0n) - BigInt(at)}`
      : named;
    const word = assembleA64(withoutAlias(evenlySpaced(far)));
    if (word === undefined) throw new AssemblyError(line, `this is not an instruction: ${source}`);
    return word;
  }
}

/** Quoted text, in JSON syntax. */
function textIn(line: number, quoted: string): string {
  try {
    return String(JSON.parse(quoted));
  } catch {
    throw new AssemblyError(line, `this is not a string: ${quoted}`);
  }
}

/**
 * Assembles a program: instructions in the disassembler's syntax, with the usual aliases,
 * labels, `.equ`, `.word`, `.quad`, `.asciz`, `.balign`, and comments after `//`.
 * @param base address of its first byte.
 * @throws {AssemblyError} for the first invalid line.
 */
export function assembleProgram(source: string, base = 0): Uint8Array<ArrayBuffer> {
  const program = new Program(base);
  for (const [i, line] of source.split('\n').entries()) program.read(i + 1, line);
  return program.bytes();
}
