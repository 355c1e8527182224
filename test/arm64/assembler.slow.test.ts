// SPDX-License-Identifier: MIT
// The assembler inverts the disassembler, and agrees with llvm-mc.

import { describe, expect, it } from 'vitest';
import { A64_FORMS, matches } from '../../assembly/layout/a64/a64-forms.ts';
import { Random } from '../../devices/testing/index.ts';
import { assembleA64 } from '../../vmm/vcpu/arm64/a64-assembler.ts';
import { disassembleA64 } from '../../vmm/vcpu/arm64/a64-disassembler.ts';
import { AssemblyError, assembleProgram } from '../../vmm/vcpu/arm64/a64-program.ts';
import { assembleByLlvm, hasLlvm } from './llvm.ts';

/** Words of each form. */
const WORDS = 12;
/** Families whose words have the same text. */
const FORMS = A64_FORMS.filter(({ syntax }) => syntax !== 'simd');

/** Allocated words of a form, as assembly language. */
function linesOf(random: Random, form: (typeof FORMS)[number]): string[] {
  const lines: string[] = [];
  for (let i = 0; i < 40 * WORDS && lines.length < WORDS; i++) {
    const bits = random.below(2 ** 32);
    const word = ((bits & ~form.mask) | form.value) >>> 0;
    if (form.exclusions.some((exclusion) => matches(word, exclusion))) continue;
    const text = disassembleA64(word);
    if (text !== undefined) lines.push(text);
  }
  return lines;
}

/**
 * llvm-mc refuses a store-exclusive whose status register is one of its other registers.
 */
function isPredictable(line: string): boolean {
  const registers = [...line.matchAll(/\b[xw](\d+)/g)].map(([, number]) => number);
  return !/^stl?x[rp]/.test(line) || !registers.slice(1).includes(registers[0]);
}

describe('the assembler', () => {
  it.each(FORMS)('makes $name of what the disassembler writes', (form) => {
    const lines = linesOf(new Random(3), form);
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) expect(disassembleA64(assembleA64(line) ?? 0), line).toBe(line);
  });

  it.runIf(hasLlvm())('makes the same words as llvm-mc', () => {
    const lines = FORMS.flatMap((form) => linesOf(new Random(4), form)).filter(isPredictable);
    expect(lines.map((line) => assembleA64(line))).toEqual(assembleByLlvm(lines));
  });

  it.each([
    ['add x0, x1, x2', 0x8b020020],
    ['ADD X0 , X1,#1', 0x91000420],
    ['ldr x2, [x1]', 0xf9400022],
    ['ldr x0, [x1], #8', 0xf8408420],
    ['and x1, x2, #0xff', 0x92401c41],
    ['and w1, w2, #0xff', 0x12001c41],
    ['msr DAIFClr, #2', 0xd50342ff],
    ['mrs x0, TTBR1_EL1', 0xd5382020],
    ['b.ne #-8', 0x54ffffc1],
  ])('%s', (line, word) => {
    expect(assembleA64(line)).toBe(word);
  });

  it.each(['', 'nothing', 'add x0, x1', 'add x0, w1, w2', 'ldr x0, [x1, #7]', 'add x32, x0, x0'])(
    'refuses %j',
    (line) => {
      expect(assembleA64(line)).toBeUndefined();
    },
  );
});

describe('a program', () => {
  const wordsOf = (source: string, base = 0) =>
    [...new Uint32Array(assembleProgram(source, base).buffer)].map((word) => word.toString(16));

  it('supports labels, before and after their uses', () => {
    expect(
      wordsOf(`
        start: cbz x0, end   // forwards
        b.ne start
        bl start
        tbz w1, #3, end
        adr x2, end
        end: ret
      `),
    ).toEqual(['b40000a0', '54ffffe1', '97fffffe', '36180041', '10000022', 'd65f03c0']);
  });

  it('has names for numbers, and data', () => {
    const source = `
      .equ UART, 0x9000000
      .equ NEXT, UART + 4
      mov x1, #UART
      ldr w0, [x1, #NEXT-UART]
      text: .asciz "hi\\n"
      .balign 8
      .quad text, 0x1122334455667788
      .word NEXT, -1
    `;
    expect(wordsOf(source, 0x40000000)).toEqual([
      ...['d2a12001', 'b9400420', 'a6968', '0', '40000008', '0', '55667788', '11223344'],
      ...['9000004', 'ffffffff'],
    ]);
  });

  it.runIf(hasLlvm())('has the aliases that llvm-mc has', () => {
    const lines = [
      ...['nop', 'wfi', 'wfe', 'sev', 'isb', 'ret', 'mov x0, x1', 'mov w0, w1', 'mov x0, sp'],
      ...['mov sp, x1', 'mov x0, #5', 'mov x0, #0x90000', 'mov x0, #-1', 'mov w3, #0xff00ff'],
      ...['mov x4, #0x7fffffff', 'cmp x1, #3', 'cmp w1, w2', 'cmp sp, #16', 'tst x1, #0xff'],
      ...['mul x1, x2, x3', 'lsl x1, x2, #5', 'lsl w1, w2, #31', 'lsr x1, x2, #63'],
      ...['lsr w1, w2, #1', 'cset x1, eq', 'cset w1, lo'],
    ];
    const words = [...new Uint32Array(assembleProgram(lines.join('\n')).buffer)];
    expect(words).toEqual(assembleByLlvm(lines));
  });

  it.each([
    ['b nowhere', 'line 1: this is not an instruction: b nowhere'],
    ['nop\na: nop\na: nop', 'line 3: there are two a'],
    ['.long 1', 'line 1: there is no .long'],
    ['mov x0, #NAME', 'line 1: nothing is called NAME'],
    ['.balign 0', 'line 1: an alignment is at least 1'],
    ['.word 1x', 'line 1: nothing is called 1x'],
    ['.asciz hello', 'line 1: this is not a string: hello'],
  ])('%j is refused', (source, message) => {
    expect(() => assembleProgram(source)).toThrow(new AssemblyError(1, '').constructor as never);
    expect(() => assembleProgram(source)).toThrow(message);
  });
});
