// SPDX-License-Identifier: MIT
// The type section of a WebAssembly binary (core specification, section 5.3): function
// types, and the other types that it may declare.

import { WasmFormatError, type WasmReader } from './wasm-reader.ts';

/**
 * The name of a number type; every reference is 'ref', as no function that a guest
 * imports has one.
 */
export type ValueType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128' | 'ref';

export interface FunctionType {
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
}

const NUMBERS = new Map<number, ValueType>([
  [0x7f, 'i32'],
  [0x7e, 'i64'],
  [0x7d, 'f32'],
  [0x7c, 'f64'],
  [0x7b, 'v128'],
]);
/**
 * References to functions and to values of the host, neither of which a guest can create.
 */
const PLAIN_REFERENCES = new Set([0x70, 0x6f, 0x73, 0x72]);
/** any, eq, i31, struct, array, exn, none, noexn. */
const COLLECTED_REFERENCES = new Set([0x6e, 0x6d, 0x6c, 0x6b, 0x6a, 0x69, 0x71, 0x74]);
const REF = 0x64;
const REF_NULL = 0x63;

const FUNCTION = 0x60;
const STRUCT = 0x5f;
const ARRAY = 0x5e;
const SUB = 0x50;
const SUB_FINAL = 0x4f;
const REC = 0x4e;
const I8 = 0x78;
const I16 = 0x77;

/** Reads types, and notes which of them require a garbage-collected heap. */
export class TypeReader {
  #collected: string | undefined;

  /** Such as "references to objects"; undefined when nothing requires it. */
  get collected(): string | undefined {
    return this.#collected;
  }

  value(reader: WasmReader, code = reader.byte()): ValueType {
    const number = NUMBERS.get(code);
    if (number) return number;
    if (code === REF || code === REF_NULL) this.heap(reader);
    else this.#reference(code);
    return 'ref';
  }

  /** The heap type of a reference: the index of a type, or a name. */
  heap(reader: WasmReader): void {
    const code = reader.word();
    // Names are negative one-byte numbers.
    if (code >= 0x80000000) this.#reference(code & 0x7f);
  }

  #reference(code: number): void {
    if (PLAIN_REFERENCES.has(code)) return;
    if (!COLLECTED_REFERENCES.has(code))
      throw new WasmFormatError(`there is no value type 0x${code.toString(16)}`);
    this.#collected ??= 'references to objects';
  }

  #values(reader: WasmReader): ValueType[] {
    return Array.from({ length: reader.count() }, () => this.value(reader));
  }

  #field(reader: WasmReader): void {
    const code = reader.byte();
    if (code !== I8 && code !== I16) this.value(reader, code);
    reader.byte();
  }

  #composite(reader: WasmReader, code: number): FunctionType | undefined {
    switch (code) {
      case FUNCTION: {
        const params = this.#values(reader);
        return { params, results: this.#values(reader) };
      }
      case STRUCT:
        this.#collected ??= 'struct types';
        for (let left = reader.count(); left > 0; left--) this.#field(reader);
        return undefined;
      case ARRAY:
        this.#collected ??= 'array types';
        this.#field(reader);
        return undefined;
      default:
        throw new WasmFormatError(`there is no form of type 0x${code.toString(16)}`);
    }
  }

  #subtype(reader: WasmReader, code = reader.byte()): FunctionType | undefined {
    if (code !== SUB && code !== SUB_FINAL) return this.#composite(reader, code);
    for (let left = reader.count(); left > 0; left--) reader.number();
    return this.#composite(reader, reader.byte());
  }

  /**
   * The types of a type section, by index; undefined for one that is not a function type.
   */
  section(reader: WasmReader): (FunctionType | undefined)[] {
    const types: (FunctionType | undefined)[] = [];
    for (let left = reader.count(); left > 0; left--) {
      const code = reader.byte();
      if (code !== REC) types.push(this.#subtype(reader, code));
      else for (let group = reader.count(); group > 0; group--) types.push(this.#subtype(reader));
    }
    return types;
  }
}
