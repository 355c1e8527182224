// SPDX-License-Identifier: MIT
// Debug exceptions of a small image (debug-image.S), on the board `virt` and on
// qemu-system-aarch64: both print the contents of debug-image.log.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { printedBy } from './run-image.ts';

const SOURCE = fileURLToPath(new URL('./debug-image.S', import.meta.url));
const LOG = readFileSync(new URL('./debug-image.log', import.meta.url), 'utf8');
const COMPILER = 'aarch64-linux-gnu-gcc';
const QEMU = 'qemu-system-aarch64';
const isInstalled = (program: string) => spawnSync(program, ['--version']).status === 0;

async function withImage<T>(use: (path: string) => T | Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'vsmmu-debug-'));
  try {
    const path = join(folder, 'image.elf');
    const link = ['-nostdlib', '-static', '-Wl,-Ttext=0x40080000', '-Wl,--build-id=none'];
    const made = spawnSync(COMPILER, ['-march=armv8.1-a', ...link, '-o', path, SOURCE]);
    expect(String(made.stderr)).toBe('');
    return await use(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const runHere = (path: string) => printedBy(Uint8Array.from(readFileSync(path)));

describe.runIf(isInstalled(COMPILER))('an image with debug exceptions', () => {
  it('prints here what is stored', async () => {
    expect(await withImage(runHere)).toBe(LOG);
  });

  it.runIf(isInstalled(QEMU))('prints the same on QEMU', async () => {
    const machine = ['-M', 'virt', '-cpu', 'max,sve=off', '-m', '64', '-serial', 'stdio'];
    const quiet = ['-display', 'none', '-net', 'none', '-monitor', 'none'];
    const printed = await withImage((path) =>
      String(spawnSync(QEMU, [...machine, ...quiet, '-kernel', path], { timeout: 60_000 }).stdout),
    );
    expect(printed.replaceAll('\r', '')).toBe(LOG);
  });
});
