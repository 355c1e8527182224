// SPDX-License-Identifier: MIT
// Descriptions of registers, and their check before a `RegisterFile` is built from them.

import { checkInteger, checkList } from './known-values.ts';
import { checkOptions, integerFrom, nonEmpty, type OptionKinds, uint32 } from './option-kinds.ts';

/** One register of a `RegisterFile`. */
export interface RegisterSpec {
  readonly name: string;
  /** Byte offset in the region, a multiple of 4. */
  readonly offset: number;
  /**
   * In bytes; 8 for a 64-bit register, which may also be accessed as two 32-bit halves.
   * Default 4.
   */
  readonly size?: 4 | 8;
  /** Reset value: low word, high word. Default 0. */
  readonly reset?: number;
  readonly resetHi?: number;
  /** Bits that a write changes: low word, high word. Default 0, read-only. */
  readonly writable?: number;
  readonly writableHi?: number;
  /**
   * A bank of equal registers: their number (default 1) and the bytes from one to the
   * next (default: their size).
   */
  readonly count?: number;
  readonly stride?: number;
}

/** Guest physical addresses have 32 bits on every board. */
const MAX_REGION = 2 ** 32;

const SPEC: OptionKinds<RegisterSpec> = {
  name: nonEmpty,
  offset: integerFrom(0, MAX_REGION),
  size: integerFrom(4, 8),
  reset: uint32,
  resetHi: uint32,
  writable: uint32,
  writableHi: uint32,
  count: integerFrom(1, MAX_REGION),
  stride: integerFrom(4, MAX_REGION),
};

/**
 * @throws {TypeError} when a register has an unknown field, or one of the wrong type.
 * @throws {RangeError} when a number is out of range, or two registers have the same
 *   name.
 */
export function checkRegisters(regionSize: number, specs: readonly RegisterSpec[]): void {
  checkInteger(regionSize, 0, MAX_REGION, 'RegisterFile: regionSize');
  if (regionSize % 4 !== 0)
    throw new RangeError(`RegisterFile: regionSize must be a multiple of 4, not ${regionSize}`);
  checkList(specs, 'RegisterFile: specs');
  const names = new Set<string>();
  for (const [i, spec] of specs.entries()) {
    const what = typeof spec?.name === 'string' ? `register ${spec.name}` : `specs[${i}]`;
    checkOptions(spec, SPEC, `RegisterFile: ${what}`, ['name', 'offset']);
    const { name, size } = spec;
    if (size !== undefined && size !== 4 && size !== 8)
      throw new RangeError(`RegisterFile: size of ${name} must be 4 or 8, not ${size}`);
    if (names.has(name)) throw new RangeError(`there are two registers ${name}`);
    names.add(name);
  }
}
