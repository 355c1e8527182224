// SPDX-License-Identifier: MIT
// Translation granules, and the geometry of tables that follows from them (DDI 0487
// section D8.2), for callers with unchecked values.

import { checkBoolean, checkInteger } from '../plugin/known-values.ts';
import type { Granule } from './granule-sizes.ts';
import {
  COMMAND_TG,
  checkGranule,
  checkInputBits,
  entryShift,
  firstLevel,
  firstLevelOfStage2,
  isLeafLevel,
  SHIFTS,
  startLevelCode,
  TG0,
  TG1,
} from './table-geometry.ts';

export * from './granule-sizes.ts';

/** The first level of the architecture (FEAT_LPA2). */
const FIRST_LEVEL = -1;

const checkLevel = (level: number, what: string) => checkInteger(level, FIRST_LEVEL, 3, what);

/**
 * log2 of the page size.
 * @throws {RangeError} when there is no such granule.
 */
export function granuleShift(granule: Granule): number {
  checkGranule(granule, 'granuleShift: granule');
  return SHIFTS[granule];
}

/**
 * Encoding in CD.TG0 and STE.S2TG.
 * @throws {RangeError} when there is no such granule.
 */
export function tg0Of(granule: Granule): number {
  checkGranule(granule, 'tg0Of: granule');
  return TG0[granule];
}

/**
 * Encoding in CD.TG1, which differs from TG0's.
 * @throws {RangeError} when there is no such granule.
 */
export function tg1Of(granule: Granule): number {
  checkGranule(granule, 'tg1Of: granule');
  return TG1[granule];
}

/**
 * Encoding in the TG field of TLBI commands.
 * @throws {RangeError} when there is no such granule.
 */
export function commandTgOf(granule: Granule): number {
  checkGranule(granule, 'commandTgOf: granule');
  return COMMAND_TG[granule];
}

/**
 * log2 of the size in bytes that one entry of a level covers; level 3 contains the pages.
 * @param level -1 to 3.
 * @throws {TypeError|RangeError} when there is no such granule or level.
 */
export function levelShift(granule: Granule, level: number): number {
  checkGranule(granule, 'levelShift: granule');
  checkLevel(level, 'levelShift: level');
  return entryShift(granule, level);
}

/**
 * True when a leaf is allowed at a level: pages at 3, blocks at 2 and, with 4 KiB
 * granules, at 1.
 * @param level -1 to 3.
 * @param ds CD.DS or STE.S2DS: one more level for granules of 4 and 16 KiB.
 * @throws {TypeError|RangeError} when there is no such granule or level, or `ds` is
 *   neither true nor false.
 */
export function leafAllowed(granule: Granule, level: number, ds = false): boolean {
  checkGranule(granule, 'leafAllowed: granule');
  checkLevel(level, 'leafAllowed: level');
  checkBoolean(ds, 'leafAllowed: ds');
  return isLeafLevel(granule, level, ds);
}

/**
 * Level of the first table of stage 1 for an input size in bits.
 * @param inputBits more than the bits of a page offset, and at most 52.
 * @throws {TypeError|RangeError} when there is no such granule or size.
 */
export function stage1StartLevel(granule: Granule, inputBits: number): number {
  checkGranule(granule, 'stage1StartLevel: granule');
  checkInputBits(granule, inputBits, 'stage1StartLevel: inputBits');
  return firstLevel(granule, inputBits);
}

/**
 * Level of the first table of stage 2: one level below that of stage 1 if at most 16
 * concatenated tables are enough, which the architecture requires for some sizes.
 * @param inputBits more than the bits of a page offset, and at most 52.
 * @throws {TypeError|RangeError} when there is no such granule or size.
 */
export function stage2StartLevel(granule: Granule, inputBits: number): number {
  checkGranule(granule, 'stage2StartLevel: granule');
  checkInputBits(granule, inputBits, 'stage2StartLevel: inputBits');
  return firstLevelOfStage2(granule, inputBits);
}

/**
 * Encoding of a start level in STE.S2SL0.
 * @param startLevel -1 to 3.
 * @throws {TypeError|RangeError} when there is no such granule or level.
 */
export function s2sl0Of(granule: Granule, startLevel: number): number {
  checkGranule(granule, 's2sl0Of: granule');
  checkLevel(startLevel, 's2sl0Of: startLevel');
  return startLevelCode(granule, startLevel);
}

/**
 * Sizes in bits that CD.IPS, STE.S2PS and IDR5.OAS can encode, in the order of their
 * encoding.
 */
export const ADDRESS_SIZES: readonly number[] = [32, 36, 40, 42, 44, 48, 52];

/**
 * Encoding of an address size.
 * @throws {RangeError} when there is none.
 */
export function addressSizeCode(bits: number): number {
  const code = ADDRESS_SIZES.indexOf(bits);
  if (code < 0)
    throw new RangeError(
      `addressSizeCode: bits must be one of ${ADDRESS_SIZES.join(', ')}, not ${String(bits)}`,
    );
  return code;
}

/**
 * Bits of an encoded address size; undefined for a reserved code.
 * @throws {TypeError|RangeError} unless the code is a 3-bit integer.
 */
export function addressSizeOf(code: number): number | undefined {
  checkInteger(code, 0, 7, 'addressSizeOf: code');
  return ADDRESS_SIZES[code];
}
