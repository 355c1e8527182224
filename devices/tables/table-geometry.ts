// SPDX-License-Identifier: MIT
// Geometry of translation tables (DDI 0487 section D8.2), for callers that have checked
// their granule. A size from a guest's structure need not be one of the architecture.

import { checkInteger } from '../plugin/known-values.ts';
import { GRANULE_4K, GRANULE_16K, GRANULE_64K, type Granule } from './granule-sizes.ts';

/** log2 of the size of a page, by granule. */
export const SHIFTS: Readonly<Record<Granule, number>> = {
  [GRANULE_4K]: 12,
  [GRANULE_16K]: 14,
  [GRANULE_64K]: 16,
};
/** CD.TG0 and STE.S2TG, by granule. */
export const TG0: Readonly<Record<Granule, number>> = {
  [GRANULE_4K]: 0,
  [GRANULE_64K]: 1,
  [GRANULE_16K]: 2,
};
/** CD.TG1, by granule. */
export const TG1: Readonly<Record<Granule, number>> = {
  [GRANULE_16K]: 1,
  [GRANULE_4K]: 2,
  [GRANULE_64K]: 3,
};
/** TG of TLBI commands, by granule. */
export const COMMAND_TG: Readonly<Record<Granule, number>> = {
  [GRANULE_4K]: 1,
  [GRANULE_16K]: 2,
  [GRANULE_64K]: 3,
};

/** log2 of the size in bytes that one entry of a level covers. */
export function entryShift(granule: Granule, level: number): number {
  const shift = SHIFTS[granule];
  return shift + (3 - level) * (shift - 3);
}

/** True when a leaf is allowed at a level. */
export function isLeafLevel(granule: Granule, level: number, ds: boolean): boolean {
  if (level >= 2) return true;
  if (level === 1) return granule === GRANULE_4K || (ds && granule === GRANULE_16K);
  return level === 0 && ds && granule === GRANULE_4K;
}

/**
 * Level of the first table of stage 1; above 3 when the input has no more bits than a
 * page offset.
 */
export function firstLevel(granule: Granule, inputBits: number): number {
  const shift = SHIFTS[granule];
  return 4 - Math.ceil((inputBits - shift) / (shift - 3));
}

/** Level of the first table of stage 2, which may be up to 16 concatenated tables. */
export function firstLevelOfStage2(granule: Granule, inputBits: number): number {
  const level = firstLevel(granule, inputBits);
  return level < 3 && inputBits - entryShift(granule, level) <= 4 ? level + 1 : level;
}

/** Encoding of a start level in STE.S2SL0. */
export function startLevelCode(granule: Granule, startLevel: number): number {
  return ((granule === GRANULE_4K ? 2 : 3) - startLevel) & 3;
}

/** Maximum number of input bits (FEAT_LVA). */
const MAX_INPUT_BITS = 52;

/**
 * @param what the value's name in messages: "PageTable: granule".
 * @throws {RangeError} unless it is one of the three granules.
 */
export function checkGranule(granule: Granule, what: string): void {
  if (SHIFTS[granule] === undefined)
    throw new RangeError(`${what} must be 4096, 16384 or 65536, not ${String(granule)}`);
}

/**
 * @param what the value's name in messages: "PageTable: inputBits".
 * @throws {TypeError} unless it is a number.
 * @throws {RangeError} unless tables of the granule can have inputs of that size.
 */
export function checkInputBits(granule: Granule, inputBits: number, what: string): void {
  checkInteger(inputBits, SHIFTS[granule] + 1, MAX_INPUT_BITS, what);
}
