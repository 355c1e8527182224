// SPDX-License-Identifier: MIT
// The oracle of the differential test: qemu-aarch64, which runs sequences in a small
// program (qemu-runner.c).

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OUTCOME_WORDS, type Outcome } from './el0-machine.ts';
import type { Sequence } from './sequences.ts';

const SOURCE = fileURLToPath(new URL('./qemu-runner.c', import.meta.url));
const COMPILER = 'aarch64-linux-gnu-gcc';
const QEMU = 'qemu-aarch64';
/** A CPU with LSE, CRC32 and RCPC, and DC ZVA of 64 bytes. */
const CPU = 'cortex-a76';

const runs = (program: string) => spawnSync(program, ['--version']).status === 0;

/**
 * Whether the oracle's programs are installed: Debian's qemu-user and
 * gcc-aarch64-linux-gnu.
 */
export const hasOracle = (): boolean => runs(COMPILER) && runs(QEMU);

function encodeInput({ offset, words, registers, nzcv }: Sequence): Buffer {
  const buffer = Buffer.alloc(8 + 8 * OUTCOME_WORDS + 4 * words.length);
  buffer.writeUInt32LE(offset, 0);
  buffer.writeUInt32LE(words.length, 4);
  registers.forEach((value, i) => {
    buffer.writeBigUInt64LE(value, 8 + 8 * i);
  });
  buffer.writeBigUInt64LE(BigInt(nzcv), 8 + 8 * 32);
  words.forEach((word, i) => {
    buffer.writeUInt32LE(word, 8 + 8 * OUTCOME_WORDS + 4 * i);
  });
  return buffer;
}

/** Runs sequences one after the other on the same memory. */
export function runOnOracle(sequences: readonly Sequence[]): Outcome[] {
  const folder = mkdtempSync(join(tmpdir(), 'vsmmu-oracle-'));
  try {
    const program = join(folder, 'runner');
    const options = ['-O1', '-ffreestanding', '-nostdlib', '-static', '-fno-stack-protector'];
    // Within branch range of the code pages.
    options.push('-fno-pic', '-no-pie', '-Wl,-Ttext=0x21000000', '-o', program, SOURCE);
    const compiled = spawnSync(COMPILER, options, { encoding: 'utf8' });
    if (compiled.status !== 0) throw new Error(compiled.stderr);
    const { stdout, status, signal, stderr } = spawnSync(QEMU, ['-cpu', CPU, program], {
      input: Buffer.concat(sequences.map(encodeInput)),
      maxBuffer: sequences.length * OUTCOME_WORDS * 8 + 1024,
    });
    if (status !== 0 || stdout.length !== sequences.length * OUTCOME_WORDS * 8)
      throw new Error(
        `the oracle ended with ${status ?? signal} after ${stdout.length / OUTCOME_WORDS / 8} of ${sequences.length} sequences\n${stderr}`,
      );
    const words = new BigUint64Array(Uint8Array.from(stdout).buffer);
    return sequences.map((_, i) => words.slice(i * OUTCOME_WORDS, (i + 1) * OUTCOME_WORDS));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
