// SPDX-License-Identifier: MIT
// Places of instructions: their distance from the start of a region's home page.

import {
  ARM64_PAGE_RECORDS,
  ARM64_RECORD_SIZE,
} from '../../../../assembly/layout/arm64-records.ts';

/** Size in bytes of a page of instructions. */
export const PAGE_SIZE = 4 * ARM64_PAGE_RECORDS;

/** The page of a place: 0 is the home page. */
export const pageOf = (place: number): number => Math.floor(place / ARM64_PAGE_RECORDS);

/** The instructions of its page before a place. */
export const indexOf = (place: number): number => place - pageOf(place) * ARM64_PAGE_RECORDS;

/**
 * Address of the record of a place.
 * @param base Address of the first record of its page.
 */
export const recordOf = (base: number, place: number): number =>
  base + ARM64_RECORD_SIZE * indexOf(place);
