// SPDX-License-Identifier: MIT
// The sequence word of a set of the IOTLB or of the configuration cache. Bit 0: an
// inserter has locked the set; bit 1: an invalidation has visited it since; bits 2 to 7:
// the inserter's thread; above, a count in steps of SEQ_STEP. A reader that sees bit 0,
// or a change, has a miss.

export const SEQ_BUSY = 1;
export const SEQ_KILLED = 2;
export const SEQ_THREAD_SHIFT = 2;
export const SEQ_STEP = 0x100;
