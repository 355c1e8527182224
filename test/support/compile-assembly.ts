// Compiles AssemblyScript that belongs to a test. The compiler runs as a program: its type declarations cannot be read next to Node's.

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const ASC = join(PROJECT, 'node_modules/assemblyscript/bin/asc.js');

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
    await promisify(execFile)(
      process.execPath,
      [ASC, entry, '--outFile', outFile, '--baseDir', root, ...options],
      { cwd: root },
    );
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
