// SPDX-License-Identifier: MIT
// The programs that measure the arm64 CPU (programs.c), compiled when a cross compiler is
// found.

import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PROJECT } from '../guest-module.ts';

const COMPILER = 'aarch64-linux-gnu-gcc';
const OBJCOPY = 'aarch64-linux-gnu-objcopy';
/** Address of a program in memory. */
export const PROGRAM_GPA = 0x40200000;

/** e_entry of the ELF header. */
const ELF_ENTRY = 24;

/** A program; `idle` is the same one without any rounds. */
export interface MeasuredProgram {
  readonly name: string;
  readonly what: string;
  /** Flat binary, and its entry point. */
  readonly image: Uint8Array;
  readonly entry: bigint;
  /** ELF executables. */
  readonly elf: string;
  readonly idle: string;
}

interface Plan {
  readonly name: string;
  readonly what: string;
  /** Value of PROGRAM in programs.c. */
  readonly number: number;
  readonly rounds: number;
  /** Number of generated functions, and of statements in each. */
  readonly functions?: readonly [number, number];
}

const PLANS: readonly Plan[] = [
  { name: 'int', what: 'CRC, hash, Collatz, division', number: 0, rounds: 50_000 },
  { name: 'mem', what: 'sorting, matrix, histogram, copies, strides', number: 1, rounds: 1500 },
  { name: 'call', what: 'recursion, tree, indirect calls', number: 2, rounds: 10_000 },
  {
    name: 'path',
    what: '45 functions in order, as a kernel path',
    number: 3,
    rounds: 500_000,
    functions: [45, 4],
  },
  {
    name: 'big',
    what: '450 KB of functions at random',
    number: 4,
    rounds: 3000,
    functions: [1200, 12],
  },
];

/** Generates functions with fields, shifts, short loops and switches. */
function generated(count: number, statements: number): string {
  let state = 1;
  const next = (limit: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  const statement = () => {
    const [a, b, c] = [next(64), next(64), next(64)];
    return [
      `m[${a}] += (u32)x ^ m[${b}];`,
      `if (m[${a}] & ${1 << next(16)}) x += m[${b}] * ${next(1000)}; else x ^= x >> ${1 + next(30)};`,
      `m[${a}] = (m[${b}] << ${1 + next(20)}) | (m[${c}] >> ${1 + next(20)});`,
      `switch (x & 7) { case 0: x += ${next(99)}; break; case 3: m[${c}]++; break; ` +
        `case 5: x *= 5; break; case 6: x -= m[${a}]; break; }`,
      `for (u32 i = 0; i < ${2 + next(3)}; i++) m[(${a} + i) & 63] += i;`,
    ][next(5)];
  };
  const functions = Array.from({ length: count }, (_, i) => {
    const body = Array.from({ length: statements }, statement).join('\n  ');
    return `static __attribute__((noinline)) u64 g${i}(u32 *m, u64 x) {\n  ${body}\n  return x;\n}`;
  });
  const names = functions.map((_, i) => `g${i}`).join(', ');
  return `${functions.join('\n')}
#define FUNCTIONS ${count}
static u64 (*const functions[])(u32 *, u64) = {${names}};
`;
}

/** Whether a program can be started. */
export async function isInstalled(program: string): Promise<boolean> {
  try {
    await promisify(execFile)(program, ['--version']);
    return true;
  } catch {
    return false;
  }
}

/**
 * Compiles the programs in a folder. Returns a line with the reason when there are none.
 */
export async function compilePrograms(
  folder: string,
): Promise<readonly MeasuredProgram[] | string> {
  if (!(await isInstalled(COMPILER))) return `there is no ${COMPILER} (gcc-aarch64-linux-gnu)`;
  const programs: MeasuredProgram[] = [];
  for (const { name, what, number, rounds, functions } of PLANS) {
    const file = (suffix: string) => join(folder, `${name}${suffix}`);
    if (functions) await writeFile(join(folder, 'generated.h'), generated(...functions));
    const gcc = (args: readonly string[]) => promisify(execFile)(COMPILER, [...args]);
    await gcc([
      ...['-O2', '-ffreestanding', '-mgeneral-regs-only', '-fno-stack-protector', '-fno-pic'],
      ...['-fno-tree-loop-distribute-patterns', `-I${folder}`, `-DPROGRAM=${number}`],
      ...['-c', join(PROJECT, 'bench/arm64/programs.c'), '-o', file('.o')],
    ]);
    const link = (turns: number, output: string) =>
      gcc([
        ...['-nostdlib', '-static', '-no-pie', '-Wl,--build-id=none', '-Wl,-z,norelro', '-Wl,-N'],
        ...[`-Wl,-Ttext=0x${PROGRAM_GPA.toString(16)}`, `-Wl,--defsym=rounds=${turns}`],
        ...[file('.o'), '-o', output],
      ]);
    await link(rounds, file('.elf'));
    await link(0, file('.idle'));
    await promisify(execFile)(OBJCOPY, ['-O', 'binary', file('.elf'), file('.bin')]);
    const image = await readFile(file('.bin'));
    const entry = (await readFile(file('.elf'))).readBigUInt64LE(ELF_ENTRY);
    programs.push({ name, what, image, entry, elf: file('.elf'), idle: file('.idle') });
  }
  return programs;
}
