// SPDX-License-Identifier: MIT
// Units that are one module: their parts, compiled by asc, are merged into a module with
// two memories (Binaryen's wasm-merge), and the guest port is inlined into its callers.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BuildError, hashOfFiles, record, recordOf } from './build-record.mjs';
import { checkFile, checkPort } from './check-wasm.mjs';
import { runNode } from './run-node.mjs';
import { stamp } from './stamp-wasm.mjs';
import { setPrivate, withoutCustomSections } from './wasm-reader.mjs';

/**
 * The parts of a unit: their targets, by the module name under which they import each
 * other.
 */
export const UNITS = {
  'smmu-unit': { core: 'smmu-core', drain: 'vcmdq-drain', port: 'guest-port' },
  'smmu-unit-checked': { core: 'smmu-core-checked', drain: 'vcmdq-drain', port: 'guest-port' },
  'amd-unit': { amd: 'amd-iommu', port: 'guest-port' },
};

const BINARYEN = fileURLToPath(new URL('../node_modules/binaryen/bin/', import.meta.url));
/**
 * This program. The other files that determine its output and its checks are among the
 * inputs of the parts.
 */
const TOOL = fileURLToPath(import.meta.url);
const FEATURES = [
  ...['threads', 'simd', 'multimemory', 'bulk-memory', 'sign-ext', 'mutable-globals'],
  'nontrapping-float-to-int',
].map((feature) => `--enable-${feature}`);
/**
 * The parts have been optimised separately: only duplicate functions are merged, and
 * calls of the port are inlined. Another round of all passes gains nothing, and leaves
 * bounds checks of the port in forms that cannot be recognised.
 */
const PASSES = [
  ...['--optimize-level=3', '--shrink-level=0'],
  ...['--duplicate-function-elimination', '--inlining', '--remove-unused-module-elements'],
];

/**
 * `(import "env" "memory" (memory $0 1 65536 shared))`, one per line, in Binaryen's text.
 */
const IMPORT = /^ \(import "(.+?)" "(.+?)" \((memory|global|func) ([^ )]+)/gm;
/**
 * Prefix of exports through which a part uses an import of an earlier part: one import
 * remains of the two.
 */
const SHARED_IMPORT = 'import:';

/** @typedef {import('./build-wasm.mjs').WasmModule} WasmModule */

/**
 * @typedef {object} MergedUnit
 * @property {string} name
 * @property {boolean} debug
 * @property {readonly [shared: string, unshared: string]} outFiles Relative to the root:
 *   for a guest memory that threads share, and for one that they do not.
 * @property {readonly (readonly [name: string, part: WasmModule])[]} parts
 * @property {string} inputs A hash of the unit's inputs.
 */

/**
 * The merged units of a tree.
 * @param {readonly WasmModule[]} modules The tree's modules, of one kind: release or
 *   debug.
 * @returns {MergedUnit[]}
 */
export function mergedUnits(modules) {
  const tool = hashOfFiles(dirname(TOOL), [basename(TOOL)]);
  return Object.entries(UNITS).map(([unit, targets]) => {
    const parts = Object.entries(targets).map(([name, target]) => {
      const part = modules.find((module) => module.target === target);
      if (!part) throw new BuildError(`${unit} is made of ${target}, which is not a module`);
      return /** @type {const} */ ([name, part]);
    });
    const [[, first]] = /** @type {[(typeof parts)[0]]} */ (parts);
    const outFile = (/** @type {string} */ ending) =>
      `${dirname(first.outFile)}/${unit}${ending}.wasm`;
    return {
      name: first.debug ? `${unit} (debug)` : unit,
      debug: first.debug,
      outFiles: [outFile(''), outFile('-private')],
      parts,
      inputs: [tool, ...parts.map(([, { inputs }]) => inputs)].join(' '),
    };
  });
}

/** @param {MergedUnit} unit */
const partOf = ({ outFiles: [outFile] }) => outFile.replaceAll('/', '.');

/**
 * @param {string} root
 * @param {MergedUnit} unit
 */
const stateOf = (root, { inputs, outFiles }) => `${inputs} ${hashOfFiles(root, outFiles)}`;

/**
 * The units that have to be merged.
 * @param {string} root
 * @param {readonly MergedUnit[]} units
 */
export function staleUnits(root, units) {
  return units.filter((unit) => recordOf(root, partOf(unit)) !== stateOf(root, unit));
}

/**
 * Merges units whose parts are compiled, and checks them.
 * @param {string} root
 * @param {readonly MergedUnit[]} units
 * @throws {BuildError}
 */
export async function mergeUnits(root, units) {
  for (const unit of units) {
    const folder = mkdtempSync(join(tmpdir(), 'vsmmu-merge-'));
    try {
      await merge(root, unit, folder);
    } finally {
      rmSync(folder, { recursive: true });
    }
    record(root, partOf(unit), stateOf(root, unit));
  }
}

/**
 * @param {string} root
 * @param {MergedUnit} unit
 * @param {string} folder For intermediate files.
 */
async function merge(root, unit, folder) {
  const { debug, outFiles } = unit;
  const [outFile, privateFile] = outFiles.map((file) => join(root, file));
  const linked = join(folder, 'linked.wasm');
  /** Exports that only other parts import. @type {Set<string>} */
  const inside = new Set();
  const texts = joined(await textsOf(root, unit, folder), inside);
  const inputs = texts.flatMap(([name, text]) => {
    const file = join(folder, `${name}.wat`);
    writeFileSync(file, text);
    return [file, name];
  });
  const merging = [...inputs, '-g', '-o', linked];
  await run('wasm-merge', debug ? [...merging, '-osm', `${linked}.map`] : merging);
  refuse(linked, checkPort(readFileSync(linked)));

  const removed = [`${SHARED_IMPORT}*`, ...inside].map((name) => `--remove-exports=${name}`);
  const map = `${outFile}.map`;
  const maps = ['-ism', `${linked}.map`, '-osm', map, '-osu', `./${basename(map)}`];
  const rest = debug ? maps : PASSES;
  await run('wasm-opt', [linked, '-g', ...removed, ...rest, '-o', outFile]);
  const bytes = readFileSync(outFile);
  const kept = debug ? bytes : withoutCustomSections(bytes);
  writeFileSync(outFile, kept);
  setPrivate(kept);
  writeFileSync(privateFile, kept);
  for (const file of outFiles) {
    refuse(file, await checkFile(join(root, file), { debug }));
    stamp(join(root, file), basename(file, '.wasm'));
  }
}

/**
 * Texts of a unit's parts.
 * @param {string} root
 * @param {MergedUnit} unit
 * @param {string} folder
 * @returns {Promise<[name: string, text: string][]>}
 */
async function textsOf(root, { debug, parts }, folder) {
  /** @type {[string, string][]} */
  const texts = [];
  for (const [name, { outFile, textFile }] of parts) {
    if (!debug && textFile !== undefined) {
      texts.push([name, readFileSync(join(root, textFile), 'utf8')]);
      continue;
    }
    // asc's own text has no source locations.
    const [binary, text] = [join(root, outFile), join(folder, `${name}.wat`)];
    await run('wasm-dis', [binary, '--source-map', `${binary}.map`, '-o', text]);
    texts.push([name, readFileSync(text, 'utf8')]);
  }
  return texts;
}

/**
 * Prepares parts for the merge: renames the port's memory to the guest's, and turns a
 * common import of two parts into an import of the first, which exports it to the second.
 * @param {readonly [name: string, text: string][]} parts
 * @param {Set<string>} inside Receives the names that parts import from each other.
 * @returns {[name: string, text: string][]}
 */
function joined(parts, inside) {
  const names = parts.map(([name]) => name);
  /** The first part that has an import. @type {Map<string, string>} */
  const owners = new Map();
  /** @type {Map<string, string[]>} */
  const exports = new Map(names.map((name) => [name, []]));
  return parts
    .map(([part, text]) => {
      const guest = part === 'port' ? text.replace('"env" "memory"', '"guest" "memory"') : text;
      const changed = guest.replace(IMPORT, (line, module, name, kind, identifier) => {
        if (names.includes(module)) inside.add(name);
        if (names.includes(module)) return line;
        const shared = `${SHARED_IMPORT}${module}.${name}`;
        const owner = owners.get(shared);
        if (owner) return ` (import "${owner}" "${shared}" (${kind} ${identifier}`;
        owners.set(shared, part);
        exports.get(part)?.push(` (export "${shared}" (${kind} ${identifier}))\n`);
        return line;
      });
      return /** @type {[string, string]} */ ([part, changed]);
    })
    .map(([part, text]) => [part, text.replace(/\)\s*$/, `${exports.get(part)?.join('')})\n`)]);
}

/**
 * Runs a tool of Binaryen.
 * @param {string} tool
 * @param {readonly string[]} args
 * @throws {BuildError}
 */
async function run(tool, args) {
  const { ok, output } = await runNode([join(BINARYEN, tool), ...FEATURES, ...args], '.');
  if (!ok) throw new BuildError(`${tool} failed: ${output}`);
}

/**
 * @param {string} file
 * @param {readonly string[]} problems
 * @throws {BuildError}
 */
function refuse(file, problems) {
  if (problems.length > 0) throw new BuildError(`${file}: ${problems.join('; ')}`);
}
