// SPDX-License-Identifier: MIT
// Compiles the programs of the initial RAM disk: statically, without a C library and
// floating point.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROGRAMS = fileURLToPath(new URL('../../linux/programs', import.meta.url));
const COMPILER = 'aarch64-linux-gnu-gcc';
const FLAGS = [
  '-O2',
  '-Wall',
  '-Wextra',
  '-Werror',
  '-static',
  '-nostdlib',
  '-ffreestanding',
  '-fno-stack-protector',
  '-mgeneral-regs-only',
  '-Wl,--build-id=none',
  '-Wl,-z,noseparate-code',
  '-s',
];

/** The programs, by name. @returns {Record<string, Uint8Array>} */
export function compilePrograms() {
  const folder = mkdtempSync(join(tmpdir(), 'vsmmu-programs-'));
  try {
    const sources = readdirSync(PROGRAMS).filter((file) => file.endsWith('.c'));
    return Object.fromEntries(
      sources.map((file) => {
        const name = file.slice(0, -'.c'.length);
        const output = join(folder, name);
        execFileSync(COMPILER, [...FLAGS, '-o', output, join(PROGRAMS, file)]);
        return [name, readFileSync(output)];
      }),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}
