// Reads what WebAssembly's JavaScript API does not tell about a module: the limits of the memory that it imports, and where its data lies
// (WebAssembly core specification, sections 5.5.5 and 5.5.14).

/** Limits of a memory, in pages of 64 KiB. */
export interface MemoryLimits {
  readonly initial: number;
  readonly maximum: number | undefined;
  readonly shared: boolean;
  /** Addresses of 64 bits. */
  readonly wide: boolean;
}

export interface MemoryImport extends MemoryLimits {
  readonly module: string;
  readonly name: string;
}

const MAGIC = [0x00, 0x61, 0x73, 0x6d];
const VERSION = [0x01, 0x00, 0x00, 0x00];
const IMPORT_SECTION = 2;
const DATA_SECTION = 11;
const DATA_PASSIVE = 1;
const DATA_MEMORY = 2;
const I32_CONST = 0x41;
const END = 0x0b;
const KIND_FUNCTION = 0;
const KIND_TABLE = 1;
const KIND_MEMORY = 2;
const KIND_GLOBAL = 3;
const KIND_TAG = 4;
const LIMITS_MAXIMUM = 1;
const LIMITS_SHARED = 2;
const LIMITS_WIDE = 4;
/** Reference types that name a heap type: (ref ht) and (ref null ht). */
const REF = 0x64;
const REF_NULL = 0x63;

class Reader {
  readonly #bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  byte(): number {
    const value = this.#bytes[this.at++];
    if (value === undefined) throw new RangeError('the module ends in the middle of a section');
    return value;
  }

  /** Unsigned LEB128. Signed ones have the same length, so this also skips them. */
  number(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  }

  /** Signed LEB128 of at most 32 bits, as an unsigned word. */
  word(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte >= 0x80) continue;
      return (byte & 0x40 && shift < 25 ? value | (-1 << (shift + 7)) : value) >>> 0;
    }
  }

  text(): string {
    const length = this.number();
    // A copy: decoders refuse views of shared memory.
    const text = new TextDecoder().decode(this.#bytes.slice(this.at, this.at + length));
    this.at += length;
    return text;
  }

  limits(): MemoryLimits {
    const flags = this.byte();
    const initial = this.number();
    const maximum = flags & LIMITS_MAXIMUM ? this.number() : undefined;
    return {
      initial,
      maximum,
      shared: (flags & LIMITS_SHARED) !== 0,
      wide: (flags & LIMITS_WIDE) !== 0,
    };
  }

  skipValueType(): void {
    const type = this.byte();
    if (type === REF || type === REF_NULL) this.number();
  }
}

/** True when the bytes begin as a WebAssembly module does. */
export function looksLikeWasm(bytes: Uint8Array): boolean {
  return [...MAGIC, ...VERSION].every((byte, i) => bytes[i] === byte);
}

function memoryInImports(reader: Reader): MemoryImport | undefined {
  for (let left = reader.number(); left > 0; left--) {
    const module = reader.text();
    const name = reader.text();
    const kind = reader.byte();
    switch (kind) {
      case KIND_FUNCTION:
        reader.number();
        break;
      case KIND_TABLE:
        reader.skipValueType();
        reader.limits();
        break;
      case KIND_MEMORY:
        return { module, name, ...reader.limits() };
      case KIND_GLOBAL:
        reader.skipValueType();
        reader.byte();
        break;
      case KIND_TAG:
        reader.byte();
        reader.number();
        break;
      default:
        throw new RangeError(`unknown kind of import ${kind}`);
    }
  }
  return undefined;
}

/** A reader at the contents of a module's section; undefined when the module has none of the kind. */
function sectionOf(bytes: Uint8Array, kind: number): Reader | undefined {
  const reader = new Reader(bytes, MAGIC.length + VERSION.length);
  while (reader.at < bytes.length) {
    const section = reader.byte();
    const size = reader.number();
    if (section === kind) return reader;
    reader.at += size;
  }
  return undefined;
}

/**
 * The first memory that a module imports, undefined when it imports none.
 * @throws {RangeError} when the binary is cut short or has imports of an unknown kind.
 */
export function importedMemory(bytes: Uint8Array): MemoryImport | undefined {
  const reader = sectionOf(bytes, IMPORT_SECTION);
  return reader && memoryInImports(reader);
}

/**
 * The lowest address at which a module puts data when it is instantiated, as far as it stands in the module as a constant; undefined when
 * there is none.
 * @throws {RangeError} when the binary is cut short.
 */
export function lowestData(bytes: Uint8Array): number | undefined {
  const reader = sectionOf(bytes, DATA_SECTION);
  let lowest: number | undefined;
  for (let left = reader?.number() ?? 0; reader && left > 0; left--) {
    const kind = reader.number();
    if (kind === DATA_MEMORY) reader.number();
    if (kind !== DATA_PASSIVE) {
      if (reader.byte() !== I32_CONST) return lowest;
      const address = reader.word();
      if (reader.byte() !== END) return lowest;
      lowest = Math.min(lowest ?? address, address);
    }
    const size = reader.number();
    reader.at += size;
  }
  return lowest;
}
