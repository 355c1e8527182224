// SPDX-License-Identifier: MIT
// Checks the properties of a hot module that let several instances share one memory
// (docs/internals/architecture.md, "Units"): nothing runs or writes memory at
// instantiation, no state is outside the imported memories, and opcode dispatch is a jump
// table. A module with two memories must access the guest's only after the port's bounds
// check.

import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import {
  bodiesOf,
  functionNames,
  importsOf,
  KIND,
  MEMORY_SHARED,
  nextInstruction,
  OPCODE,
  Reader,
  SECTION,
  sectionsOf,
} from './wasm-reader.mjs';

/**
 * Hot modules, with the minimum number of targets of the largest br_table. 0 where the
 * module dispatches nothing.
 */
export const HOT_MODULES = {
  'guest-port': 0,
  'guest-port-private': 0,
  'smmu-core': 0,
  'smmu-core-checked': 0,
  'vcmdq-drain': 12,
  'amd-iommu': 8,
  'smmu-unit': 12,
  'smmu-unit-private': 12,
  'smmu-unit-checked': 12,
  'smmu-unit-checked-private': 12,
  'amd-unit': 8,
  'amd-unit-private': 8,
  // The interpreter: one case for each handler of its fast loop.
  arm64: 300,
  gicv3: 36,
  secondary: 0,
};
/** Modules for guest memories that no other thread sees. */
const PRIVATE = /-private$/;
/** Modules with two memories, the host's and the guest's. */
const UNIT = /^(smmu|amd)-unit/;

/**
 * Sources of the guest port's functions: the only ones that access guest memory before
 * inlining.
 */
const PORT = 'assembly/guest-port/';
/** The import that is the guest's memory. */
const GUEST_MEMORY = { module: 'guest', name: 'memory' };
/** Its size as used by the bounds check: an immutable global. */
const MEMORY_SIZE = { module: 'regions', name: 'MEMORY_SIZE' };
/**
 * Bytes of an access, and number of operands in addition to its offset, by instruction;
 * other instructions may not access guest memory.
 */
const ACCESSES = new Map([
  [0xfe10, { size: 4, values: 0 }], // i32.atomic.load
  [0xfe17, { size: 4, values: 1 }], // i32.atomic.store
  [0xfe11, { size: 8, values: 0 }], // i64.atomic.load
  [0xfe18, { size: 8, values: 1 }], // i64.atomic.store
  [0xfe49, { size: 8, values: 2 }], // i64.atomic.rmw.cmpxchg
  [0xfd00, { size: 16, values: 0 }], // v128.load
]);

/** @typedef {import('./wasm-reader.mjs').Instruction} Instruction */

/**
 * Names of exported memories.
 * @param {Uint8Array | undefined} section
 */
function exportedMemories(section) {
  const names = [];
  const reader = new Reader(section ?? Uint8Array.of(0));
  for (let left = reader.leb(); left > 0; left--) {
    const name = reader.name();
    if (reader.byte() === KIND.memory) names.push(name);
    reader.leb();
  }
  return names;
}

/**
 * Mutable globals that the module defines.
 * @param {Uint8Array | undefined} section
 */
function mutableGlobals(section) {
  const reader = new Reader(section ?? Uint8Array.of(0));
  let mutable = 0;
  for (let left = reader.leb(); left > 0; left--) {
    reader.byte();
    mutable += reader.byte();
    while (nextInstruction(reader).opcode !== OPCODE.end);
  }
  return mutable;
}

/**
 * Targets of the largest br_table of the module.
 * @param {Uint8Array | undefined} section
 */
function largestJumpTable(section) {
  let largest = 0;
  for (const body of bodiesOf(section))
    for (const { opcode, immediates } of body)
      if (opcode === OPCODE.brTable) largest = Math.max(largest, immediates.length - 1);
  return largest;
}

/**
 * The memories that a module imports, as text.
 * @param {import('./wasm-reader.mjs').Import[]} imports
 */
function memoriesOf(imports) {
  return imports
    .filter(({ kind }) => kind === KIND.memory)
    .map(({ module, flags }) => `${module} ${flags & MEMORY_SHARED ? 'shared' : 'private'}`)
    .join(', ');
}

/**
 * The problems of a hot module; empty without problems.
 * @param {Uint8Array} bytes
 * @param {number} jumpTableTargets Minimum number of targets of the module's largest
 *   br_table.
 * @param {string} memories Its imports: 'env shared', 'env private', or 'env shared,
 *   guest shared' and the like.
 * @returns {string[]}
 */
export function checkHotModule(bytes, jumpTableTargets, memories = 'env shared') {
  const sections = sectionsOf(bytes);
  const problems = [];
  for (const name of /** @type {const} */ (['data', 'dataCount', 'element', 'start'])) {
    if (sections.has(SECTION[name])) problems.push(`has the section ${name}`);
  }
  if (sections.has(SECTION.memory)) problems.push('defines a memory of its own');
  if (sections.has(SECTION.table)) problems.push('defines a table');
  const imports = importsOf(sections.get(SECTION.import));
  const found = memoriesOf(imports);
  if (found !== memories) problems.push(`imports the memories (${found}), not (${memories})`);
  const mutable =
    imports.filter(({ kind, flags }) => kind === KIND.global && flags === 1).length +
    mutableGlobals(sections.get(SECTION.global));
  if (mutable > 0) problems.push(`has ${mutable} mutable global${mutable > 1 ? 's' : ''}`);
  const exported = exportedMemories(sections.get(SECTION.export));
  if (exported.length > 0) problems.push(`exports its memory as ${exported.join(', ')}`);
  const largest = largestJumpTable(sections.get(SECTION.code));
  if (largest < jumpTableTargets) {
    problems.push(
      `dispatches without a jump table: its largest br_table has ${largest} targets, not ${jumpTableTargets} or more`,
    );
  }
  return problems;
}

/**
 * Indexes of the imports with a name, among imports of their kind.
 * @param {import('./wasm-reader.mjs').Import[]} imports
 * @param {{ module: string, name: string }} wanted
 * @param {number} kind KIND.
 */
function numbersOf(imports, wanted, kind) {
  return imports
    .filter((one) => one.kind === kind)
    .flatMap(({ module, name }, number) =>
      module === wanted.module && name === wanted.name ? [number] : [],
    );
}

/**
 * The index of a module's guest memory.
 * @param {import('./wasm-reader.mjs').Import[]} imports
 */
function guestMemoryOf(imports) {
  const [number, ...more] = numbersOf(imports, GUEST_MEMORY, KIND.memory);
  if (number === undefined || more.length > 0)
    throw new Error('it does not have exactly one guest memory');
  return number;
}

/**
 * Functions outside the guest port that access guest memory, before inlining.
 * @param {Uint8Array} bytes A module with names.
 * @returns {string[]} One line per problem.
 */
export function checkPort(bytes) {
  const sections = sectionsOf(bytes);
  const imports = importsOf(sections.get(SECTION.import));
  const memory = guestMemoryOf(imports);
  const names = functionNames(bytes);
  const problems = [];
  let number = imports.filter(({ kind }) => kind === KIND.function).length;
  let port = 0;
  for (const body of bodiesOf(sections.get(SECTION.code))) {
    const name = names.get(number++) ?? 'a function without a name';
    if (!body.some(({ memories }) => memories.includes(memory))) continue;
    if (name.startsWith(PORT)) port++;
    else problems.push(`${name} accesses guest memory outside the guest port`);
  }
  if (port === 0) problems.push('no function of the guest port accesses guest memory');
  return problems;
}

/**
 * Whether the guest port's bounds check dominates an access. The port's check:
 *
 *     if ((offset & (size - 1)) == 0 && offset <= MEMORY_SIZE - size) access(offset,
 *     values)
 *
 * on a stack machine, with nothing in between: `offset` and `values` are locals, which
 * nothing sets after the check, and nothing jumps into an `if`. So every path to the
 * access goes through the check, with the same offset.
 * @param {readonly Instruction[]} body
 * @param {number} at The access in it.
 * @param {number} memorySize The global MEMORY_SIZE.
 */
function isGuarded(body, at, memorySize) {
  const access = body[at];
  const { size, values } = ACCESSES.get(access?.opcode ?? 0) ?? { size: 0, values: 0 };
  if (size === 0 || access?.immediates[2] !== 0) return false;
  const branch = at - values - 2;
  const offset = body[branch + 1]?.immediates[0] ?? -1;
  const check = [
    [OPCODE.localGet, offset],
    [OPCODE.i32Const, size - 1],
    [OPCODE.i32And],
    [OPCODE.i32Eqz],
    [OPCODE.localGet, offset],
    [OPCODE.globalGet, memorySize],
    [OPCODE.i32Const, size],
    [OPCODE.i32Sub],
    [OPCODE.i32LeU],
    [OPCODE.i32And],
  ];
  if (body[branch]?.opcode !== OPCODE.if) return false;
  for (let i = branch + 1; i < at; i++) if (body[i]?.opcode !== OPCODE.localGet) return false;
  return check.every(([opcode, immediate], i) => {
    const one = body[branch - check.length + i];
    return one?.opcode === opcode && one?.immediates[0] === immediate;
  });
}

/**
 * Accesses to guest memory that the port's check does not dominate.
 * @param {Uint8Array} bytes A module with two memories.
 * @returns {string[]} One line per problem.
 */
export function checkBounds(bytes) {
  const sections = sectionsOf(bytes);
  const imports = importsOf(sections.get(SECTION.import));
  const memory = guestMemoryOf(imports);
  const [memorySize = -1] = numbersOf(imports, MEMORY_SIZE, KIND.global);
  let unguarded = 0;
  for (const body of bodiesOf(sections.get(SECTION.code)))
    body.forEach(({ memories }, at) => {
      if (memories.includes(memory) && !isGuarded(body, at, memorySize)) unguarded++;
    });
  return unguarded === 0
    ? []
    : [
        `touches guest memory ${unguarded} times where the port's check of bounds does not dominate`,
      ];
}

/**
 * Checks a file according to its name; a file that is not a hot module passes.
 * @param {string} path
 * @param {{ debug?: boolean }} [options] debug: not optimised, not inlined, with names.
 *   Default false.
 * @returns {Promise<string[]>} One line per problem.
 */
export async function checkFile(path, { debug = false } = {}) {
  const name = basename(path, '.wasm');
  const targets = /** @type {Record<string, number>} */ (HOT_MODULES)[name];
  if (targets === undefined) return [];
  const bytes = await readFile(path);
  const sharing = PRIVATE.test(name) ? 'private' : 'shared';
  const unit = UNIT.test(name);
  const memories = unit ? `env shared, guest ${sharing}` : `env ${sharing}`;
  const problems = checkHotModule(bytes, debug ? 0 : targets, memories);
  if (unit) problems.push(...(debug ? checkPort(bytes) : checkBounds(bytes)));
  return problems;
}
