// SPDX-License-Identifier: MIT
// Element segments and constant expressions of a WebAssembly binary (core specification,
// sections 5.4.9 and 5.5.12), which are skipped and counted.

import { WasmFormatError, type WasmReader } from './wasm-reader.ts';
import type { TypeReader } from './wasm-types.ts';

const END = 0x0b;
const GLOBAL_GET = 0x23;
const I32_CONST = 0x41;
const I64_CONST = 0x42;
const F32_CONST = 0x43;
const F64_CONST = 0x44;
/** add, sub and mul of i32, and of i64: extended constant expressions. */
const ARITHMETIC = [0x6a, 0x6b, 0x6c, 0x7c, 0x7d, 0x7e];
const REF_NULL = 0xd0;
const REF_FUNC = 0xd2;
const GC_PREFIX = 0xfb;
const SIMD_PREFIX = 0xfd;
const V128_CONST = 0x0c;
/**
 * struct.new, struct.new_default, array.new, array.new_default: followed by the index of
 * a type.
 */
const GC_OF_TYPE = [0, 1, 6, 7];
const ARRAY_NEW_FIXED = 8;
/** any.convert_extern, extern.convert_any, ref.i31: without operands. */
const GC_PLAIN = [26, 27, 28];

const PASSIVE_OR_DECLARATIVE = 1;
/** An active segment names its table; a passive one is declarative. */
const EXPLICIT = 2;
const EXPRESSIONS = 4;
const FLAGS = PASSIVE_OR_DECLARATIVE | EXPLICIT | EXPRESSIONS;
const KIND_FUNCTION = 0;

function skipCollected(reader: WasmReader): void {
  const operation = reader.number();
  if (GC_OF_TYPE.includes(operation)) {
    reader.number();
  } else if (operation === ARRAY_NEW_FIXED) {
    reader.number();
    reader.number();
  } else if (!GC_PLAIN.includes(operation)) {
    throw new WasmFormatError('a constant expression has an instruction that is not constant');
  }
}

/** Skips an instruction with its operands; returns the value of an i32.const. */
function skipInstruction(
  reader: WasmReader,
  types: TypeReader,
  operation: number,
): number | undefined {
  switch (operation) {
    case I32_CONST:
      return reader.word();
    case I64_CONST:
      reader.skipSigned();
      return undefined;
    case F32_CONST:
      reader.skip(4);
      return undefined;
    case F64_CONST:
      reader.skip(8);
      return undefined;
    case GLOBAL_GET:
    case REF_FUNC:
      reader.number();
      return undefined;
    case REF_NULL:
      types.heap(reader);
      return undefined;
    case GC_PREFIX:
      skipCollected(reader);
      return undefined;
    case SIMD_PREFIX:
      if (reader.number() !== V128_CONST) break;
      reader.skip(16);
      return undefined;
    default:
      if (ARITHMETIC.includes(operation)) return undefined;
  }
  throw new WasmFormatError('a constant expression has an instruction that is not constant');
}

/**
 * Skips a constant expression.
 * @returns its value, when it is a single i32.const.
 */
export function skipConstant(reader: WasmReader, types: TypeReader): number | undefined {
  let value: number | undefined;
  for (let instructions = 0; ; instructions++) {
    const operation = reader.byte();
    if (operation === END) return instructions === 1 ? value : undefined;
    value = skipInstruction(reader, types, operation);
  }
}

function skipSegment(reader: WasmReader, types: TypeReader): number {
  const flags = reader.number();
  if (flags > FLAGS) throw new WasmFormatError(`there is no kind of elements ${flags}`);
  const active = (flags & PASSIVE_OR_DECLARATIVE) === 0;
  const expressions = (flags & EXPRESSIONS) !== 0;
  if (active && flags & EXPLICIT) reader.number();
  if (active) skipConstant(reader, types);
  if (!active || flags & EXPLICIT) {
    if (expressions) types.value(reader);
    else if (reader.byte() !== KIND_FUNCTION)
      throw new WasmFormatError('elements are of an unknown kind');
  }
  const entries = reader.count();
  for (let left = entries; left > 0; left--) {
    if (expressions) skipConstant(reader, types);
    else reader.number();
  }
  return entries;
}

/**
 * Skips the contents of an element section.
 * @returns the number of entries of all its segments.
 */
export function skipElements(reader: WasmReader, types: TypeReader): number {
  let entries = 0;
  for (let left = reader.count(); left > 0; left--) entries += skipSegment(reader, types);
  return entries;
}
