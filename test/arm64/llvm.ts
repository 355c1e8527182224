// SPDX-License-Identifier: MIT
// llvm-mc: disassembles and assembles A64.

import { spawnSync } from 'node:child_process';

const FEATURES = '+crc,+lse,+rcpc,+pan,+sb,+el3';

/** Whether Debian's llvm is installed. */
export const hasLlvm = (): boolean => spawnSync('llvm-mc', ['--version']).status === 0;

function run(options: readonly string[], input: string): { stdout: string; stderr: string } {
  const { stdout, stderr } = spawnSync('llvm-mc', ['-triple=aarch64', ...options], {
    input,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  return { stdout, stderr };
}

/**
 * Words in assembly language, without aliases; undefined for a word that is not an
 * instruction, with or without Advanced SIMD and FP.
 */
export function disassembleByLlvm(words: readonly number[], simd: boolean): (string | undefined)[] {
  const input = words.map((word) =>
    [0, 8, 16, 24].map((shift) => `0x${((word >>> shift) & 255).toString(16)}`).join(' '),
  );
  const sign = simd ? '+' : '-';
  const options = ['--disassemble', '-M', 'no-aliases'];
  options.push(`-mattr=${sign}neon,${sign}fp-armv8,${FEATURES}`);
  const { stdout, stderr } = run(options, `${input.join('\n')}\n`);
  const invalid = new Set(
    [...stderr.matchAll(/<stdin>:(\d+):\d+: \w+: invalid/g)].map(([, line]) => Number(line) - 1),
  );
  const lines = stdout.split('\n').filter((line) => /^\t[^.]/.test(line));
  let next = 0;
  return words.map((_, i) =>
    invalid.has(i)
      ? undefined
      : lines[next++]
          ?.trim()
          .replace(/\s+\/\/.*$/, '')
          .replaceAll('\t', ' '),
  );
}

/** Words of instructions, one for each line. */
export function assembleByLlvm(lines: readonly string[]): number[] {
  const { stdout, stderr } = run([`-mattr=${FEATURES}`, '-show-encoding'], `${lines.join('\n')}\n`);
  const encodings = [...stdout.matchAll(/encoding: \[([^\]]*)\]/g)];
  if (encodings.length !== lines.length) throw new Error(stderr);
  return encodings.map(([, bytes = '']) =>
    bytes.split(',').reduce((word, byte, i) => word + Number(byte) * 2 ** (8 * i), 0),
  );
}
