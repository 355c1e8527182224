// Checks what a hot module must be, so that several instances may share one memory (docs/architecture.md, "Units"): nothing runs or
// writes memory at instantiation, no state lives outside the imported memory, and opcode dispatch is a jump table.

import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';

/** Hot modules: how many targets the largest br_table must have at least. 0 where the module dispatches nothing. */
export const HOT_MODULES = {
  'guest-port': 0,
  'guest-port-private': 0,
  'smmu-core': 0,
  'smmu-core-checked': 0,
  'vcmdq-drain': 12,
  'amd-iommu': 8,
  // The interpreter: one case for each handler of its fast loop.
  arm64: 300,
  gicv3: 36,
  secondary: 0,
};
/** The one module that is for memories that no other thread sees. */
const PRIVATE = 'guest-port-private';

const SECTION = {
  import: 2,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
  dataCount: 12,
};
const KIND = { function: 0, table: 1, memory: 2, global: 3 };
const MEMORY_SHARED = 2;

/** A cursor over a WebAssembly binary. */
class Reader {
  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  get done() {
    return this.at >= this.bytes.length;
  }

  byte() {
    if (this.done) throw new Error('the module ends too early');
    return this.bytes[this.at++];
  }

  /** A LEB128 number. Values above 2^53 are of no interest here and may lose bits. */
  leb() {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  name() {
    const length = this.leb();
    return new TextDecoder().decode(this.take(length));
  }

  /** @param {number} length */
  take(length) {
    const start = this.at;
    this.at += length;
    if (this.at > this.bytes.length) throw new Error('the module ends too early');
    return this.bytes.subarray(start, this.at);
  }
}

/**
 * Sections by id.
 * @param {Uint8Array} bytes
 */
function sectionsOf(bytes) {
  const reader = new Reader(bytes);
  if (new TextDecoder('latin1').decode(reader.take(8)) !== '\0asm\x01\0\0\0')
    throw new Error('not a WebAssembly module');
  /** @type {Map<number, Uint8Array>} */
  const sections = new Map();
  while (!reader.done) {
    const id = reader.byte();
    sections.set(id, reader.take(reader.leb()));
  }
  return sections;
}

/** @param {Reader} reader */
function skipLimits(reader) {
  const flags = reader.byte();
  reader.leb();
  if (flags & 1) reader.leb();
  return flags;
}

/**
 * Memories and mutable globals among the imports.
 * @param {Uint8Array | undefined} section
 */
function importsOf(section) {
  const found = { sharedMemories: 0, plainMemories: 0, mutableGlobals: 0 };
  if (!section) return found;
  const reader = new Reader(section);
  for (let left = reader.leb(); left > 0; left--) {
    reader.name();
    reader.name();
    const kind = reader.byte();
    if (kind === KIND.function) reader.leb();
    else if (kind === KIND.table) {
      reader.byte();
      skipLimits(reader);
    } else if (kind === KIND.memory)
      found[skipLimits(reader) & MEMORY_SHARED ? 'sharedMemories' : 'plainMemories']++;
    else if (kind === KIND.global) {
      reader.byte();
      found.mutableGlobals += reader.byte();
    } else throw new Error(`import of unknown kind ${kind}`);
  }
  return found;
}

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
    while (skipInstruction(reader).opcode !== 0x0b);
  }
  return mutable;
}

// How many LEB128 immediates an instruction has; those not listed have none, and `skipInstruction` handles the irregular ones.
const IMMEDIATES = new Map([
  ...[0x02, 0x03, 0x04, 0x0c, 0x0d, 0x10, 0x12, 0x3f, 0x40, 0x41, 0x42, 0xd0, 0xd2].map(
    (opcode) => /** @type {const} */ ([opcode, 1]),
  ),
  ...[0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26].map((opcode) => /** @type {const} */ ([opcode, 1])),
  ...[0x11, 0x13].map((opcode) => /** @type {const} */ ([opcode, 2])),
  ...Array.from({ length: 0x3e - 0x28 + 1 }, (_, i) => /** @type {const} */ ([0x28 + i, 2])),
]);
// The same behind the prefix 0xfc (saturating conversions and bulk memory).
const BULK_IMMEDIATES = [0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2, 1, 2, 1, 2, 1, 1, 1];

/**
 * Steps over what follows the prefix of a vector instruction.
 * @param {Reader} reader
 */
function skipVector(reader) {
  const opcode = reader.leb();
  const memory = opcode <= 0x0b || (opcode >= 0x54 && opcode <= 0x5d);
  if (memory) {
    reader.leb();
    reader.leb();
  }
  // A constant or a shuffle has 16 bytes, a lane access one.
  if (opcode === 0x0c || opcode === 0x0d) reader.take(16);
  if ((opcode >= 0x15 && opcode <= 0x22) || (opcode >= 0x54 && opcode <= 0x5b)) reader.take(1);
}

/**
 * Steps over one instruction. `targets` is the number of targets of a br_table, the default not counted.
 * @param {Reader} reader
 */
function skipInstruction(reader) {
  const opcode = reader.byte();
  let immediates = IMMEDIATES.get(opcode) ?? 0;
  let targets = 0;
  if (opcode === 0x0e) {
    targets = reader.leb();
    immediates = targets + 1;
  } else if (opcode === 0x1c) immediates = reader.leb();
  else if (opcode === 0x43) reader.take(4);
  else if (opcode === 0x44) reader.take(8);
  else if (opcode === 0xfc) immediates = BULK_IMMEDIATES[reader.leb()] ?? 0;
  else if (opcode === 0xfe) immediates = reader.leb() === 0x03 ? 1 : 2;
  else if (opcode === 0xfd) skipVector(reader);
  for (; immediates > 0; immediates--) reader.leb();
  return { opcode, targets };
}

/**
 * Targets of the largest br_table of the module.
 * @param {Uint8Array | undefined} section
 */
function largestJumpTable(section) {
  const reader = new Reader(section ?? Uint8Array.of(0));
  let largest = 0;
  for (let left = reader.leb(); left > 0; left--) {
    const body = new Reader(reader.take(reader.leb()));
    for (let groups = body.leb(); groups > 0; groups--) {
      body.leb();
      body.byte();
    }
    while (!body.done) largest = Math.max(largest, skipInstruction(body).targets);
  }
  return largest;
}

/**
 * What is wrong with a hot module; empty when nothing is.
 * @param {Uint8Array} bytes
 * @param {number} jumpTableTargets Targets that the module's largest br_table must have at least.
 * @param {boolean} shared The memory that it imports is shared.
 * @returns {string[]}
 */
export function checkHotModule(bytes, jumpTableTargets, shared = true) {
  const sections = sectionsOf(bytes);
  const problems = [];
  for (const name of /** @type {const} */ (['data', 'dataCount', 'element', 'start'])) {
    if (sections.has(SECTION[name])) problems.push(`has the section ${name}`);
  }
  if (sections.has(SECTION.memory)) problems.push('defines a memory of its own');
  if (sections.has(SECTION.table)) problems.push('defines a table');
  const imports = importsOf(sections.get(SECTION.import));
  const [wanted, unwanted] = shared
    ? [imports.sharedMemories, imports.plainMemories]
    : [imports.plainMemories, imports.sharedMemories];
  if (wanted !== 1 || unwanted !== 0)
    problems.push(`does not import exactly one memory, and that ${shared ? 'shared' : 'private'}`);
  const mutable = imports.mutableGlobals + mutableGlobals(sections.get(SECTION.global));
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
 * Checks a file by its name; one that is not a hot module passes.
 * @param {string} path
 * @param {{ jumpTables?: boolean }} [options] jumpTables: the compiler has optimized, and made jump tables. Default true.
 * @returns {Promise<string[]>} One line per problem.
 */
export async function checkFile(path, { jumpTables = true } = {}) {
  const name = basename(path, '.wasm');
  const targets = /** @type {Record<string, number>} */ (HOT_MODULES)[name];
  if (targets === undefined) return [];
  return checkHotModule(await readFile(path), jumpTables ? targets : 0, name !== PRIVATE).map(
    (problem) => `${path}: ${problem}`,
  );
}
