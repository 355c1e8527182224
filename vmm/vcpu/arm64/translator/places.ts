// SPDX-License-Identifier: MIT
// Places of instructions: how many they are behind the start of the home page of a region.

import { ARM64_PAGE_RECORDS } from '../../../../assembly/layout/arm64-records.ts';

/** Bytes of a page of instructions. */
export const PAGE_SIZE = 4 * ARM64_PAGE_RECORDS;

/** Which page a place is in: 0 is the home page. */
export const pageOf = (place: number): number => Math.floor(place / ARM64_PAGE_RECORDS);
