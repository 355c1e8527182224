// SPDX-License-Identifier: MIT
// Meanings of values that several structures share.

import { addressSizeOf, type Granule, granuleShift } from '../tables/index.ts';

/** A size with its unit, such as 4 KiB. */
export function sizeText(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];
  let unit = 0;
  let count = bytes;
  for (; count >= 1024 && unit < units.length - 1; unit++) count /= 1024;
  return `${count} ${units[unit]}`;
}

export const granuleText = (granule: Granule) => sizeText(2 ** granuleShift(granule));

/** CD.TG0 and STE.S2TG. */
export const TG0: readonly string[] = ['4 KiB', '64 KiB', '16 KiB'];
/** CD.TG1. */
export const TG1: readonly string[] = ['reserved', '16 KiB', '4 KiB', '64 KiB'];
/** IR and OR of table walks, CIR and COR of CD fetches. */
export const CACHEABILITY: readonly string[] = [
  'non-cacheable',
  'write-back, allocating',
  'write-through',
  'write-back, not allocating',
];
/** SH of table walks, CSH of CD fetches, MSH of MSIs. */
export const SHAREABILITY: readonly string[] = [
  'non-shareable',
  'reserved',
  'outer shareable',
  'inner shareable',
];

/** CD.IPS, STE.S2PS. */
export function addressSizeText(code: number): string {
  const bits = addressSizeOf(code);
  return bits === undefined ? 'reserved' : `${bits} bits`;
}

/** T0SZ, T1SZ, S2T0SZ. */
export function inputSizeText(tsz: number): string {
  return `${64 - tsz}-bit input`;
}
