// SPDX-License-Identifier: MIT
// A segment block in host memory (host-memory.ts): the physical addresses of an access of
// several pages, from the last translation by its thread. Private to the thread. Offsets
// in bytes.

/** Segments that are in use. */
export const SEGMENTS_COUNT = 0x00;
/** The segments, in the order of the access: SEGMENT_SIZE bytes each. */
export const SEGMENTS_FIRST = 0x10;

/** A segment: contiguous bytes of physical memory. u64 PA, u32 bytes. */
export const SEGMENT_SIZE = 0x10;
export const SEGMENT_PA = 0x00;
export const SEGMENT_LENGTH = 0x08;
/**
 * Segments in a block: 64 KiB in pages of 4 KiB, and one more for an access that begins
 * within its first page.
 */
export const MAX_SEGMENTS = 17;
