// SPDX-License-Identifier: MIT
// Translation granules and the geometry of the tables that follow from them (DDI 0487 section D8.2).

/** Size of a page and of a table in bytes. */
export type Granule = 0x1000 | 0x4000 | 0x10000;

/** Bytes of a granule of 4 KiB. */
export const GRANULE_4K = 0x1000;
/** Bytes of a granule of 16 KiB. */
export const GRANULE_16K = 0x4000;
/** Bytes of a granule of 64 KiB. */
export const GRANULE_64K = 0x10000;

const SHIFTS: Readonly<Record<Granule, number>> = {
  [GRANULE_4K]: 12,
  [GRANULE_16K]: 14,
  [GRANULE_64K]: 16,
};
const TG0: Readonly<Record<Granule, number>> = {
  [GRANULE_4K]: 0,
  [GRANULE_64K]: 1,
  [GRANULE_16K]: 2,
};
const TG1: Readonly<Record<Granule, number>> = {
  [GRANULE_16K]: 1,
  [GRANULE_4K]: 2,
  [GRANULE_64K]: 3,
};
const COMMAND_TG: Readonly<Record<Granule, number>> = {
  [GRANULE_4K]: 1,
  [GRANULE_16K]: 2,
  [GRANULE_64K]: 3,
};

/** log2 of the page size. */
export function granuleShift(granule: Granule): number {
  return SHIFTS[granule];
}

/** Encoding in CD.TG0 and STE.S2TG. */
export function tg0Of(granule: Granule): number {
  return TG0[granule];
}

/** Encoding in CD.TG1, which differs from TG0's. */
export function tg1Of(granule: Granule): number {
  return TG1[granule];
}

/** Encoding in the TG field of TLBI commands. */
export function commandTgOf(granule: Granule): number {
  return COMMAND_TG[granule];
}

/** log2 of the size in bytes that one entry of a level covers; level 3 holds the pages. */
export function levelShift(granule: Granule, level: number): number {
  const shift = granuleShift(granule);
  return shift + (3 - level) * (shift - 3);
}

/**
 * Whether a leaf may stand at a level: pages at 3, blocks at 2 and, with 4 KiB granules, at 1.
 * @param ds CD.DS or STE.S2DS: one level more for granules of 4 and 16 KiB.
 */
export function leafAllowed(granule: Granule, level: number, ds = false): boolean {
  if (level >= 2) return true;
  if (level === 1) return granule === GRANULE_4K || (ds && granule === GRANULE_16K);
  return level === 0 && ds && granule === GRANULE_4K;
}

/** Level of the first table of stage 1 for an input size in bits. */
export function stage1StartLevel(granule: Granule, inputBits: number): number {
  const shift = granuleShift(granule);
  return 4 - Math.ceil((inputBits - shift) / (shift - 3));
}

/**
 * Level of the first table of stage 2: one further down than stage 1 would have it when
 * that takes at most 16 tables side by side (concatenation), which the architecture
 * demands for some sizes.
 */
export function stage2StartLevel(granule: Granule, inputBits: number): number {
  const level = stage1StartLevel(granule, inputBits);
  return level < 3 && inputBits - levelShift(granule, level) <= 4 ? level + 1 : level;
}

/** Encoding of a start level in STE.S2SL0. */
export function s2sl0Of(granule: Granule, startLevel: number): number {
  return (granule === GRANULE_4K ? 2 : 3) - startLevel;
}

/** Sizes in bits that CD.IPS, STE.S2PS and IDR5.OAS can encode, in the order of their encoding. */
export const ADDRESS_SIZES: readonly number[] = [32, 36, 40, 42, 44, 48, 52];

/**
 * Encoding of an address size.
 * @throws {RangeError} when there is none.
 */
export function addressSizeCode(bits: number): number {
  const code = ADDRESS_SIZES.indexOf(bits);
  if (code < 0)
    throw new RangeError(
      `${bits} is no address size of the architecture (${ADDRESS_SIZES.join(', ')})`,
    );
  return code;
}

/** Bits of an encoded address size; undefined for a reserved code. */
export function addressSizeOf(code: number): number | undefined {
  return ADDRESS_SIZES[code];
}
