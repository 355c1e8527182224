// SPDX-License-Identifier: MIT
// Reads WebAssembly binaries to the extent that this project's checks need: sections,
// imports, exports, names, instructions.

export const SECTION = {
  custom: 0,
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
export const KIND = { function: 0, table: 1, memory: 2, global: 3 };
export const MEMORY_SHARED = 2;
/** Magic number and version. */
const PREAMBLE_SIZE = 8;

/** A cursor over a WebAssembly binary. */
export class Reader {
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

  /**
   * Reads a LEB128 number. Values above 2^53 do not occur in what is read here, and may
   * lose bits.
   */
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
 * All sections, in order: their ids, their contents, and their bytes including the
 * header.
 * @param {Uint8Array} bytes
 */
function* allSections(bytes) {
  const reader = new Reader(bytes);
  if (new TextDecoder('latin1').decode(reader.take(PREAMBLE_SIZE)) !== '\0asm\x01\0\0\0')
    throw new Error('not a WebAssembly module');
  while (!reader.done) {
    const start = reader.at;
    const id = reader.byte();
    const contents = reader.take(reader.leb());
    yield { id, contents, whole: bytes.subarray(start, reader.at) };
  }
}

/**
 * Contents of the sections by id, without custom ones.
 * @param {Uint8Array} bytes
 */
export function sectionsOf(bytes) {
  /** @type {Map<number, Uint8Array>} */
  const sections = new Map();
  for (const { id, contents } of allSections(bytes))
    if (id !== SECTION.custom) sections.set(id, contents);
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
 * Number of LEB128 immediates by instruction; instructions not listed have none, or are
 * irregular.
 */
const IMMEDIATES = new Map([
  ...[0x02, 0x03, 0x04, 0x0c, 0x0d, 0x10, 0x12, 0x3f, 0x40, 0x41, 0x42, 0xd0, 0xd2].map(
    (opcode) => /** @type {const} */ ([opcode, 1]),
  ),
  ...[0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26].map((opcode) => /** @type {const} */ ([opcode, 1])),
  ...[0x11, 0x13].map((opcode) => /** @type {const} */ ([opcode, 2])),
]);
/**
 * Number of LEB128 immediates after the prefix 0xfc (saturating conversions and bulk
 * memory).
 */
const BULK_IMMEDIATES = [0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2, 1, 2, 1, 2, 1, 1, 1];
/** Which of these are memories, by the instruction after 0xfc: init, copy, fill. */
const BULK_MEMORIES = new Map([
  [8, [1]],
  [10, [0, 1]],
  [11, [0]],
]);
const PREFIX = { bulk: 0xfc, vector: 0xfd, atomic: 0xfe };
/** This bit of an access's alignment means that the index of its memory follows. */
const HAS_MEMORY = 0x40;

/**
 * @typedef {object} Instruction
 * @property {number} opcode With a prefix: prefix << 8, and the code after it.
 * @property {readonly number[]} immediates LEB128 numbers: of an access alignment (log2),
 *   memory, offset.
 * @property {readonly number[]} memories Memories that it accesses.
 */

/**
 * Alignment, memory and offset of an access.
 * @param {Reader} reader
 */
function accessOf(reader) {
  const flags = reader.leb();
  const memory = flags & HAS_MEMORY ? reader.leb() : 0;
  return { immediates: [flags & ~HAS_MEMORY, memory, reader.leb()], memories: [memory] };
}

/**
 * Reads the rest of a vector instruction after its prefix.
 * @param {Reader} reader
 * @returns {Instruction}
 */
function vectorInstruction(reader) {
  const code = reader.leb();
  const opcode = (PREFIX.vector << 8) | code;
  const access = code <= 0x0b || (code >= 0x54 && code <= 0x5d) ? accessOf(reader) : undefined;
  // A constant or a shuffle has 16 bytes, a lane access one.
  if (code === 0x0c || code === 0x0d) reader.take(16);
  if ((code >= 0x15 && code <= 0x22) || (code >= 0x54 && code <= 0x5b)) reader.take(1);
  return { opcode, immediates: [], memories: [], ...access };
}

/**
 * @param {Reader} reader
 * @returns {Instruction}
 */
export function nextInstruction(reader) {
  const opcode = reader.byte();
  const many = (/** @type {number} */ count) => Array.from({ length: count }, () => reader.leb());
  if (opcode >= 0x28 && opcode <= 0x3e) return { opcode, ...accessOf(reader) };
  if (opcode === PREFIX.vector) return vectorInstruction(reader);
  if (opcode === PREFIX.bulk) {
    const code = reader.leb();
    const immediates = many(BULK_IMMEDIATES[code] ?? 0);
    const memories = (BULK_MEMORIES.get(code) ?? []).map((at) => immediates[at] ?? 0);
    return { opcode: (opcode << 8) | code, immediates, memories };
  }
  if (opcode === PREFIX.atomic) {
    const code = reader.leb();
    // atomic.fence has a reserved byte in place of an access.
    const access = code === 0x03 ? { immediates: many(1), memories: [] } : accessOf(reader);
    return { opcode: (opcode << 8) | code, ...access };
  }
  let immediates = many(IMMEDIATES.get(opcode) ?? 0);
  if (opcode === OPCODE.brTable) immediates = many(reader.leb() + 1);
  else if (opcode === 0x1c) immediates = many(reader.leb());
  else if (opcode === 0x43) reader.take(4);
  else if (opcode === 0x44) reader.take(8);
  // memory.size and memory.grow.
  const memories = opcode === 0x3f || opcode === 0x40 ? immediates : [];
  return { opcode, immediates, memories };
}

export const OPCODE = {
  if: 0x04,
  end: 0x0b,
  brTable: 0x0e,
  localGet: 0x20,
  globalGet: 0x23,
  i32Const: 0x41,
  i32Eqz: 0x45,
  i32LeU: 0x4d,
  i32Sub: 0x6b,
  i32And: 0x71,
};

/**
 * The instructions of each function that a module defines.
 * @param {Uint8Array | undefined} section Code.
 */
export function* bodiesOf(section) {
  const reader = new Reader(section ?? Uint8Array.of(0));
  for (let left = reader.leb(); left > 0; left--) {
    const body = new Reader(reader.take(reader.leb()));
    for (let groups = body.leb(); groups > 0; groups--) {
      body.leb();
      body.byte();
    }
    const instructions = [];
    while (!body.done) instructions.push(nextInstruction(body));
    yield instructions;
  }
}

/**
 * @typedef {object} Import
 * @property {string} module
 * @property {string} name
 * @property {number} kind KIND.
 * @property {number} flags Of a memory: its limits; of a global: 1 when it is mutable.
 * @property {number} at Offset of its flags in the section.
 */

/**
 * @param {Uint8Array | undefined} section Imports.
 * @returns {Import[]}
 */
export function importsOf(section) {
  const reader = new Reader(section ?? Uint8Array.of(0));
  return Array.from({ length: reader.leb() }, () => {
    const [module, name, kind] = [reader.name(), reader.name(), reader.byte()];
    let at = reader.at;
    let flags = 0;
    if (kind === KIND.function) reader.leb();
    else if (kind === KIND.table) {
      reader.byte();
      skipLimits(reader);
    } else if (kind === KIND.memory) flags = skipLimits(reader);
    else if (kind === KIND.global) {
      at++;
      reader.byte();
      flags = reader.byte();
    } else throw new Error(`import of unknown kind ${kind}`);
    return { module, name, kind, flags, at };
  });
}

/**
 * Names of functions by index, including imported ones, from the section `name`.
 * @param {Uint8Array} bytes
 */
export function functionNames(bytes) {
  /** @type {Map<number, string>} */
  const names = new Map();
  for (const { id, contents } of allSections(bytes)) {
    const section = new Reader(contents);
    if (id !== SECTION.custom || section.name() !== 'name') continue;
    while (!section.done) {
      const subsection = section.byte();
      const list = new Reader(section.take(section.leb()));
      if (subsection !== 1) continue;
      for (let left = list.leb(); left > 0; left--) names.set(list.leb(), list.name());
    }
  }
  return names;
}

/**
 * A module without its names and other custom sections; its other bytes are unchanged.
 * @param {Uint8Array} bytes
 */
export function withoutCustomSections(bytes) {
  const kept = [bytes.subarray(0, PREAMBLE_SIZE)];
  for (const { id, whole } of allSections(bytes)) if (id !== SECTION.custom) kept.push(whole);
  return Buffer.concat(kept);
}

/**
 * Turns the guest's memory of a module into an unshared one, which need not have a
 * maximum. The number of bytes stays the same, so that no other offset changes. Both
 * kinds use the same access instructions.
 * @param {Uint8Array} bytes
 */
export function setPrivate(bytes) {
  const section = sectionsOf(bytes).get(SECTION.import);
  const memory = importsOf(section).find(
    ({ module, kind }) => kind === KIND.memory && module === 'guest',
  );
  // Shared, from 1 page to 65,536 of them; then from 1 page, written in four bytes.
  const shared = [3, 1, 0x80, 0x80, 4];
  if (!section || !memory || shared.some((byte, i) => section[memory.at + i] !== byte))
    throw new Error('the guest memory is not shared');
  section.set([0, 0x81, 0x80, 0x80, 0], memory.at);
}
