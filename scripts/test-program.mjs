// SPDX-License-Identifier: MIT
// `node scripts/test-program.mjs test/fuzz/fuzz.ts …` runs a program of the tests. It is
// compiled to build/fuzz, next to copies of the WebAssembly modules, so that a concurrent
// build does not affect it.

import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { wasmModules } from './build-wasm.mjs';
import { runNode } from './run-node.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');
const CONFIG = 'tsconfig.fuzz.json';
const OUT = join(ROOT, 'build/fuzz');

const [program = '', ...args] = process.argv.slice(2);
const { ok, output } = await runNode([TSC, '-p', CONFIG], ROOT);
if (!ok) {
  process.stderr.write(output);
  process.exit(1);
}
for (const { outFile } of wasmModules(ROOT)) {
  const copy = join(OUT, outFile);
  mkdirSync(dirname(copy), { recursive: true });
  copyFileSync(join(ROOT, outFile), copy);
}
// An interrupt of this process also reaches the program, which has something to write
// before it ends.
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM']))
  process.on(signal, () => undefined);
const { status, signal } = spawnSync(
  process.execPath,
  ['--enable-source-maps', '--expose-gc', join(OUT, program.replace(/\.ts$/, '.js')), ...args],
  { cwd: ROOT, stdio: 'inherit' },
);
process.exitCode = status ?? 128 + (signal ? constants.signals[signal] : 0);
