// SPDX-License-Identifier: MIT
// The parts of the build: generated sources, WebAssembly modules, dist/, and the latter
// two again for debugging. Each part does only the work that is left.

import { copyFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildDist, distOf, isDistStale } from './build-dist.mjs';
import { compileModules, DEBUG, staleModules, wasmModules } from './build-wasm.mjs';
import { generateArm64 } from './generate-arm64.mjs';
import { mergedUnits, mergeUnits, staleUnits } from './merge-wasm.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/**
 * Builds those WebAssembly modules, and dist/, that are out of date.
 * @param {object} [options]
 * @param {boolean} [options.debug] dist-debug/ too: the scripts of dist/, and modules
 *   with names and source maps. Default false.
 * @param {boolean} [options.lenient] Builds dist/ despite type errors. Default false.
 * @param {boolean} [options.modulesOnly] Leaves dist/ unchanged. Default false.
 * @param {(names: string[]) => void} [options.onStale] Called before something is built,
 *   with the names of the parts.
 * @throws {import('./build-record.mjs').BuildError}
 */
export async function buildStale({
  debug = false,
  lenient = false,
  modulesOnly = false,
  onStale,
} = {}) {
  await generateArm64(ROOT);
  const release = wasmModules(ROOT);
  const units = mergedUnits(release);
  const dist = distOf(ROOT, [
    ...release.map(({ outFile }) => outFile),
    ...units.flatMap(({ outFiles }) => outFiles),
  ]);
  const stale = staleModules(ROOT, release);
  const unmerged = staleUnits(ROOT, units);
  const distToo = !modulesOnly && (stale.length + unmerged.length > 0 || isDistStale(ROOT, dist));
  if (debug) {
    const modules = wasmModules(ROOT, { debug });
    stale.push(...staleModules(ROOT, modules));
    unmerged.push(...staleUnits(ROOT, mergedUnits(modules)));
  }
  const names = [...stale, ...unmerged].map(({ name }) => name);
  if (distToo) names.push('dist');
  if (names.length > 0) onStale?.(names);
  await compileModules(ROOT, stale);
  await mergeUnits(ROOT, unmerged);
  if (distToo) await buildDist(ROOT, dist, lenient);
  if (debug) for (const output of dist.outputs) copyToDebug(output);
}

/** @param {string} output A file of dist/. */
function copyToDebug(output) {
  const copy = join(ROOT, DEBUG, output.slice(output.indexOf('/') + 1));
  mkdirSync(dirname(copy), { recursive: true });
  copyFileSync(join(ROOT, output), copy);
}
