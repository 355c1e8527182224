// SPDX-License-Identifier: MIT
// Reads the parts of a WebAssembly binary that have to be known before an engine compiles
// it: its imports, and what the engine would allocate for it (core specification, section
// 5.5). The code itself is skipped: the engine validates it.

import { skipConstant, skipElements } from './wasm-elements.ts';
import { WasmFormatError, WasmReader } from './wasm-reader.ts';
import { type FunctionType, TypeReader } from './wasm-types.ts';

/** Limits of a memory in pages of 64 KiB, or of a table in entries. */
export interface Limits {
  readonly initial: number;
  readonly maximum: number | undefined;
  readonly shared: boolean;
  /** 64-bit addresses. */
  readonly wide: boolean;
}

interface ImportName {
  readonly module: string;
  readonly name: string;
}

export type WasmImport = ImportName &
  (
    | { readonly kind: 'function'; readonly type: FunctionType }
    | { readonly kind: 'memory'; readonly limits: Limits }
    | { readonly kind: 'table' | 'global' | 'tag' }
  );

export type MemoryImport = Extract<WasmImport, { readonly kind: 'memory' }>;

/** The imports, declarations and segments of a module. */
export interface WasmOutline {
  readonly imports: readonly WasmImport[];
  /** Memories of its own. */
  readonly memories: number;
  /** Tables, except imported ones. */
  readonly tables: readonly Limits[];
  /** Entries of all element segments. */
  readonly elements: number;
  /**
   * The feature that requires a garbage-collected heap: "struct types"; undefined when
   * there is none.
   */
  readonly collected: string | undefined;
  /**
   * The lowest address of its data segments that is a constant; undefined when there is
   * none.
   */
  readonly lowestData: number | undefined;
}

const MAGIC = [0x00, 0x61, 0x73, 0x6d];
const VERSION = [0x01, 0x00, 0x00, 0x00];
const HEADER_SIZE = MAGIC.length + VERSION.length;

const CUSTOM_SECTION = 0;
const TYPE_SECTION = 1;
const IMPORT_SECTION = 2;
const TABLE_SECTION = 4;
const MEMORY_SECTION = 5;
const TAG_SECTION = 13;
const GLOBAL_SECTION = 6;
const ELEMENT_SECTION = 9;
const DATA_SECTION = 11;
/**
 * Sections in the order in which a module has them, each at most once; custom ones may be
 * anywhere.
 */
const ORDER = [
  ...[TYPE_SECTION, IMPORT_SECTION, 3, TABLE_SECTION, MEMORY_SECTION, TAG_SECTION],
  ...[GLOBAL_SECTION, 7, 8, ELEMENT_SECTION, 12, 10, DATA_SECTION],
];

const DATA_ACTIVE = 0;
const DATA_PASSIVE = 1;
const DATA_MEMORY = 2;

const LIMITS_MAXIMUM = 1;
const LIMITS_SHARED = 2;
const LIMITS_WIDE = 4;
const LIMITS_FLAGS = LIMITS_MAXIMUM | LIMITS_SHARED | LIMITS_WIDE;
/** A table whose entries are initialized by an expression. */
const TABLE_INITIALIZED = 0x40;

/**
 * Maximum number of values of an exception: they stay on the heap while the exception is
 * referenced.
 */
const MAX_TAG_VALUES = 16;

/** True when the bytes begin like a WebAssembly module. */
export function looksLikeWasm(bytes: Uint8Array): boolean {
  return [...MAGIC, ...VERSION].every((byte, i) => bytes[i] === byte);
}

function limits(reader: WasmReader): Limits {
  const flags = reader.byte();
  if ((flags & ~LIMITS_FLAGS) !== 0)
    throw new WasmFormatError(`there are no limits with flags 0x${flags.toString(16)}`);
  const wide = (flags & LIMITS_WIDE) !== 0;
  // 64-bit ones are always refused, but their length has to be known.
  const bound = () => (wide ? wideNumber(reader) : reader.number());
  const initial = bound();
  const maximum = flags & LIMITS_MAXIMUM ? bound() : undefined;
  return { initial, maximum, shared: (flags & LIMITS_SHARED) !== 0, wide };
}

function wideNumber(reader: WasmReader): number {
  reader.skipSigned();
  return Number.POSITIVE_INFINITY;
}

class OutlineReader {
  readonly #types = new TypeReader();
  #functions: readonly (FunctionType | undefined)[] = [];
  #imports: readonly WasmImport[] = [];
  #memories = 0;
  #tables: readonly Limits[] = [];
  #elements = 0;
  #exceptions: string | undefined;
  #lowestData: number | undefined;

  /** Reads the contents of a section, to its last byte. */
  section(kind: number, reader: WasmReader): void {
    switch (kind) {
      case TYPE_SECTION:
        this.#functions = this.#types.section(reader);
        break;
      case IMPORT_SECTION:
        this.#imports = Array.from({ length: reader.count() }, () => this.#import(reader));
        break;
      case TABLE_SECTION:
        this.#tables = Array.from({ length: reader.count() }, () => this.#table(reader));
        break;
      case MEMORY_SECTION:
        this.#memories = reader.count();
        for (let left = this.#memories; left > 0; left--) limits(reader);
        break;
      case TAG_SECTION:
        for (let left = reader.count(); left > 0; left--) this.#tag(reader);
        break;
      case GLOBAL_SECTION:
        for (let left = reader.count(); left > 0; left--) {
          this.#types.value(reader);
          reader.byte();
          skipConstant(reader, this.#types);
        }
        break;
      case ELEMENT_SECTION:
        this.#elements = skipElements(reader, this.#types);
        break;
      case DATA_SECTION:
        this.#lowestData = lowestData(reader, this.#types);
        break;
      default:
        // Functions, exports, start, counts and code allocate only as much as they take
        // in the binary.
        return;
    }
    if (reader.left > 0) throw new WasmFormatError('a section is longer than its contents');
  }

  #functionType(reader: WasmReader): FunctionType {
    const index = reader.number();
    const type = this.#functions[index];
    if (!type) throw new WasmFormatError(`there is no function type ${index}`);
    return type;
  }

  #import(reader: WasmReader): WasmImport {
    const names = { module: reader.text(), name: reader.text() };
    const kind = reader.byte();
    switch (kind) {
      case 0:
        return { ...names, kind: 'function', type: this.#functionType(reader) };
      case 1:
        this.#types.value(reader);
        limits(reader);
        return { ...names, kind: 'table' };
      case 2:
        return { ...names, kind: 'memory', limits: limits(reader) };
      case 3:
        this.#types.value(reader);
        reader.byte();
        return { ...names, kind: 'global' };
      case 4:
        this.#tag(reader);
        return { ...names, kind: 'tag' };
      default:
        throw new WasmFormatError(`there is no kind of import ${kind}`);
    }
  }

  #table(reader: WasmReader): Limits {
    const code = reader.byte();
    if (code !== TABLE_INITIALIZED) {
      this.#types.value(reader, code);
      return limits(reader);
    }
    if (reader.byte() !== 0) throw new WasmFormatError('a table has an unknown form');
    this.#types.value(reader);
    const found = limits(reader);
    skipConstant(reader, this.#types);
    return found;
  }

  /**
   * Exceptions are objects too. With references in them they could form endless lists.
   */
  #tag(reader: WasmReader): void {
    reader.byte();
    const { params } = this.#functionType(reader);
    if (params.length > MAX_TAG_VALUES) this.#exceptions ??= 'exceptions of many values';
    if (params.includes('ref')) this.#exceptions ??= 'exceptions with references';
  }

  get outline(): WasmOutline {
    return {
      imports: this.#imports,
      memories: this.#memories,
      tables: this.#tables,
      elements: this.#elements,
      collected: this.#types.collected ?? this.#exceptions,
      lowestData: this.#lowestData,
    };
  }
}

function lowestData(reader: WasmReader, types: TypeReader): number | undefined {
  let lowest: number | undefined;
  for (let left = reader.count(); left > 0; left--) {
    const kind = reader.number();
    if (kind === DATA_MEMORY) reader.number();
    else if (kind !== DATA_ACTIVE && kind !== DATA_PASSIVE)
      throw new WasmFormatError(`there is no kind of data ${kind}`);
    if (kind !== DATA_PASSIVE) {
      const address = skipConstant(reader, types);
      if (address !== undefined) lowest = Math.min(lowest ?? address, address);
    }
    reader.skip(reader.number());
  }
  return lowest;
}

/**
 * Reads a module's sections.
 * @throws {WasmFormatError} when it is not a module, is damaged, or contains something
 *   unknown.
 */
export function outlineOf(bytes: Uint8Array): WasmOutline {
  if (!looksLikeWasm(bytes)) throw new WasmFormatError('it has no header of version 1');
  const file = new WasmReader(bytes, HEADER_SIZE, bytes.length);
  const outline = new OutlineReader();
  let last = -1;
  while (file.left > 0) {
    const kind = file.byte();
    const section = file.part(file.number());
    if (kind === CUSTOM_SECTION) {
      section.text();
      continue;
    }
    const place = ORDER.indexOf(kind);
    if (place < 0) throw new WasmFormatError(`there is no section ${kind}`);
    if (place <= last) throw new WasmFormatError(`section ${kind} is not in its place`);
    last = place;
    outline.section(kind, section);
  }
  return outline.outline;
}
