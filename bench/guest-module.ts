// SPDX-License-Identifier: MIT
// Compiles the AssemblyScript of bench/guest when the benchmarks start; it is not part of
// the package.

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** The project's folder; this file runs in dist/bench. */
export const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

/** The options of asconfig.json for all targets. */
const COMMON = [
  ...['--config', 'none', '--runtime', 'stub', '-O3', '--converge'],
  ...['--importMemory', '--sharedMemory', '--enable', 'threads,simd', '--use', 'abort='],
];

/**
 * Compiles a folder of bench/guest.
 * @param options further options of asc, such as the size of the imported memory.
 */
export async function compileGuest(
  folder: string,
  ...options: string[]
): Promise<Uint8Array<ArrayBuffer>> {
  const temporary = await mkdtemp(join(tmpdir(), 'vsmmu-bench-'));
  try {
    const outFile = join(temporary, 'guest.wasm');
    const asc = join(PROJECT, 'node_modules/assemblyscript/bin/asc.js');
    const args = [
      asc,
      `bench/guest/${folder}/index.ts`,
      '--outFile',
      outFile,
      '--baseDir',
      PROJECT,
      ...COMMON,
      ...options,
    ];
    await promisify(execFile)(process.execPath, args, { cwd: PROJECT });
    return new Uint8Array(await readFile(outFile));
  } finally {
    await rm(temporary, { recursive: true });
  }
}
