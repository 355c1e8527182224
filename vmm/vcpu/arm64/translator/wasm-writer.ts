// SPDX-License-Identifier: MIT
// Encodes WebAssembly: numbers, and a module of functions that imports a machine's memory
// and nothing else.

/**
 * Instructions (WebAssembly Core Specification, section 5.4). Two-byte ones are 0xfe00
 * and above.
 */
export const OP = {
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  brTable: 0x0e,
  return: 0x0f,
  drop: 0x1a,
  select: 0x1b,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  i32Load: 0x28,
  i64Load: 0x29,
  i64Load8S: 0x30,
  i64Load8U: 0x31,
  i64Load16S: 0x32,
  i64Load16U: 0x33,
  i64Load32S: 0x34,
  i64Load32U: 0x35,
  i32Store: 0x36,
  i64Store: 0x37,
  i64Store8: 0x3c,
  i64Store16: 0x3d,
  i64Store32: 0x3e,
  i32Const: 0x41,
  i64Const: 0x42,
  i32Eqz: 0x45,
  i32Eq: 0x46,
  i32Ne: 0x47,
  i32GtU: 0x4b,
  i64Eqz: 0x50,
  i64Eq: 0x51,
  i64Ne: 0x52,
  i64LtS: 0x53,
  i64LtU: 0x54,
  i64GtS: 0x55,
  i64GtU: 0x56,
  i64GeS: 0x59,
  i64GeU: 0x5a,
  i32Clz: 0x67,
  i32Add: 0x6a,
  i32Sub: 0x6b,
  i32Mul: 0x6c,
  i32And: 0x71,
  i32Or: 0x72,
  i32Shl: 0x74,
  i32ShrS: 0x75,
  i32ShrU: 0x76,
  i32Rotr: 0x78,
  i64Clz: 0x79,
  i64Add: 0x7c,
  i64Sub: 0x7d,
  i64Mul: 0x7e,
  i64DivS: 0x7f,
  i64DivU: 0x80,
  i64And: 0x83,
  i64Or: 0x84,
  i64Xor: 0x85,
  i64Shl: 0x86,
  i64ShrS: 0x87,
  i64ShrU: 0x88,
  i64Rotl: 0x89,
  i64Rotr: 0x8a,
  i32WrapI64: 0xa7,
  i64ExtendI32S: 0xac,
  i64ExtendI32U: 0xad,
  i64Extend8S: 0xc2,
  i64Extend16S: 0xc3,
  i64Extend32S: 0xc4,
} as const;

/** Value types, and the type of a block without a result. */
export const TYPE = { i32: 0x7f, i64: 0x7e, none: 0x40 } as const;

const FUNCTION_TYPE = 0x60;
const MAGIC = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const SECTION = { type: 1, import: 2, function: 3, export: 7, code: 10 } as const;
const MEMORY_IMPORT = 2;
/** Limits of a shared memory, which include a maximum. */
const SHARED_LIMITS = 3;
const MAX_PAGES = 65536;

/** A buffer that grows. */
export class WasmWriter {
  #bytes = new Uint8Array(4096);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  byte(value: number): void {
    if (this.#length === this.#bytes.length) this.#grow(this.#length + 1);
    this.#bytes[this.#length++] = value;
  }

  #grow(length: number): void {
    const bytes = new Uint8Array(Math.max(length, 2 * this.#bytes.length));
    bytes.set(this.#bytes);
    this.#bytes = bytes;
  }

  append(bytes: Uint8Array): void {
    const end = this.#length + bytes.length;
    if (end > this.#bytes.length) this.#grow(end);
    this.#bytes.set(bytes, this.#length);
    this.#length = end;
  }

  /** An unsigned number of up to 32 bits (LEB128). */
  unsigned(value: number): void {
    let rest = value >>> 0;
    while (rest > 0x7f) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.byte(rest);
  }

  /** A signed number of 32 bits. */
  signed(value: number): void {
    let rest = value | 0;
    while (rest > 0x3f || rest < -0x40) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>= 7;
    }
    this.byte(rest & 0x7f);
  }

  /** A 64-bit number, truncated to its low 64 bits. */
  signed64(value: bigint): void {
    let rest = BigInt.asIntN(64, value);
    while (rest > 0x3fn || rest < -0x40n) {
      this.byte(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    this.byte(Number(rest & 0x7fn));
  }

  name(text: string): void {
    this.unsigned(text.length);
    for (const letter of text) this.byte(letter.charCodeAt(0));
  }

  /** The bytes written so far; valid until the next write. */
  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }
}

/**
 * A module of functions with two i32 parameters and one result, exported by number. It
 * imports `env.memory`, and nothing else: no table, no function.
 * @param bodies Locals and code of each, without their size.
 */
export function moduleOf(bodies: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const writer = new WasmWriter();
  const part = new WasmWriter();
  for (const byte of MAGIC) writer.byte(byte);
  const section = (id: number, write: () => void) => {
    part.clear();
    write();
    writer.byte(id);
    writer.unsigned(part.length);
    writer.append(part.bytes());
  };
  section(SECTION.type, () => {
    for (const byte of [1, FUNCTION_TYPE, 2, TYPE.i32, TYPE.i32, 1, TYPE.i32]) part.byte(byte);
  });
  section(SECTION.import, () => {
    part.byte(1);
    part.name('env');
    part.name('memory');
    for (const byte of [MEMORY_IMPORT, SHARED_LIMITS, 1]) part.byte(byte);
    part.unsigned(MAX_PAGES);
  });
  section(SECTION.function, () => {
    part.unsigned(bodies.length);
    for (let i = 0; i < bodies.length; i++) part.byte(0);
  });
  section(SECTION.export, () => {
    part.unsigned(bodies.length);
    bodies.forEach((_, i) => {
      part.name(String(i));
      part.byte(0);
      part.unsigned(i);
    });
  });
  section(SECTION.code, () => {
    part.unsigned(bodies.length);
    for (const body of bodies) {
      part.unsigned(body.length);
      part.append(body);
    }
  });
  return new Uint8Array(writer.bytes());
}
