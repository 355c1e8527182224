// SPDX-License-Identifier: MIT
// Compiles AssemblyScript that belongs to a test, with the shared compilers of the run
// (assembly-compiler.ts).

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import type { Compiled } from '../../scripts/asc.mjs';
import { PROJECT } from './project.ts';

/**
 * @param entry path of the entry file, relative to the project (or to `root`).
 * @param options of the compiler.
 * @throws with the compiler's messages.
 */
export async function compileAssembly(
  entry: string,
  options: readonly string[],
  root = PROJECT,
): Promise<Uint8Array<ArrayBuffer>> {
  const folder = await mkdtemp(join(tmpdir(), 'vsmmu-asc-'));
  try {
    const outFile = join(folder, 'out.wasm');
    const args = [entry, '--outFile', outFile, ...options];
    const reply = await fetch(inject('assemblyCompiler'), {
      method: 'POST',
      body: JSON.stringify({ args, root }),
    });
    const { ok, output } = (await reply.json()) as Compiled;
    if (!ok) throw new Error(output);
    return Uint8Array.from(await readFile(outFile));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A guest with `pages` of 64 KiB of memory. */
export async function compileGuest(entry: string, pages: number): Promise<Uint8Array<ArrayBuffer>> {
  const language = [
    '--runtime',
    'stub',
    '-O3',
    '--importMemory',
    '--sharedMemory',
    '--enable',
    'threads',
    '--use',
    'abort=',
  ];
  const memory = [
    '--memoryBase',
    '1048576',
    '--initialMemory',
    `${pages}`,
    '--maximumMemory',
    `${pages}`,
  ];
  return await compileAssembly(entry, [
    ...language,
    ...memory,
    '--exportStart',
    '_initialize',
    '--config',
    'none',
  ]);
}
