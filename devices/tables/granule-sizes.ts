// SPDX-License-Identifier: MIT
// The translation granules (DDI 0487 section D8.2).

/** Size of a page and of a table in bytes. */
export type Granule = 0x1000 | 0x4000 | 0x10000;

/** A granule of 4 KiB, in bytes. */
export const GRANULE_4K = 0x1000;
/** A granule of 16 KiB, in bytes. */
export const GRANULE_16K = 0x4000;
/** A granule of 64 KiB, in bytes. */
export const GRANULE_64K = 0x10000;
