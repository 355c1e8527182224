// The parts of the build: WebAssembly modules, dist/, and both once more for debugging. Each does only what is left to do.

import { copyFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildDist, distOf, isDistStale } from './build-dist.mjs';
import { compileModules, DEBUG, staleModules, wasmModules } from './build-wasm.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/**
 * Builds the WebAssembly modules and dist/ where they are not what the sources make.
 * @param {object} [options]
 * @param {boolean} [options.lenient] Type errors are no reason not to build dist/. Default false.
 * @param {(names: string[]) => void} [options.onStale] Called before something is built, with the names of the parts.
 * @throws {import('./build-record.mjs').BuildError}
 */
export async function buildStale({ lenient = false, onStale } = {}) {
  const all = wasmModules(ROOT);
  const modules = staleModules(ROOT, all);
  const dist = distOf(
    ROOT,
    all.map(({ outFile }) => outFile),
  );
  const distToo = modules.length > 0 || isDistStale(ROOT, dist);
  if (distToo) onStale?.([...modules.map(({ target }) => target), 'dist']);
  await compileModules(ROOT, modules);
  if (distToo) await buildDist(ROOT, dist, lenient);
}

/**
 * Makes dist-debug/: the scripts of dist/, which must not be stale, with debug modules.
 * @throws {import('./build-record.mjs').BuildError}
 */
export async function buildDebug() {
  await compileModules(ROOT, staleModules(ROOT, wasmModules(ROOT, { debug: true })));
  for (const output of distOf(ROOT, []).outputs) {
    const copy = join(ROOT, DEBUG, output.slice(output.indexOf('/') + 1));
    mkdirSync(dirname(copy), { recursive: true });
    copyFileSync(join(ROOT, output), copy);
  }
}
