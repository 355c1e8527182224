// SPDX-License-Identifier: MIT
// A thread block in host memory (host-memory.ts): what one thread keeps while it
// translates and drains, and its counters. Private to the thread, but for its in-flight
// word. Offsets in bytes.
//
// Between its functions the SMMU core passes what it works on in these words; each
// function there says which of them it reads and which it destroys; "the access" is
// THREAD_SID to THREAD_ATTRIBUTES. TypeScript sees the results through
// devices/unit/thread-block.ts and nothing else.

/**
 * i64: 0 when no access is in flight, else 1 + the sync epoch in which the access began.
 */
export const THREAD_IN_FLIGHT = 0x00;
/** f64: when this thread last read the clock for the trace. */
export const THREAD_TRACE_TIME = 0x08;
/**
 * Records still to come without a time in bits [7:0], how many there were in [15:8],
 * HOST_AT_TRACE_MARKS at that time in [31:16].
 */
export const THREAD_TRACE_BURST = 0x1c;
/** A doorbell (TRACE_DOORBELL) that is not in the trace yet, or 0. */
export const THREAD_TRACE_DOORBELL = 0x1dc;
// Result of the last translation.
/** PA of the translated byte: low word (address in its window), high word (window). */
export const THREAD_PA = 0x10;
/**
 * log2 of the size in bytes of the translation used: the access must not leave that
 * block.
 */
export const THREAD_PA_SIZE = 0x18;
/** Event record of the last fault, 32 bytes; word 0 is 0 when the fault has no record. */
export const THREAD_EVENT = 0x20;
/** Scratch for one STE or CD, 64 bytes each. */
export const THREAD_STE = 0x40;
export const THREAD_CD = 0x80;
/** Scratch for one configuration-cache entry, CFG_ENTRY_SIZE bytes. */
export const THREAD_CFG = 0xc0;
/** Scratch of the walk of stage 1, or of the AMD IOMMU's, 64 bytes. */
export const THREAD_WALK_STAGE1 = 0x140;
// i64 counters, written by this thread only.
export const THREAD_TLB_HITS = 0x180;
export const THREAD_TLB_MISSES = 0x188;
export const THREAD_TLB_INSERTS = 0x190;
/** Inserts given up because an invalidation ran beside the walk or the set was taken. */
export const THREAD_TLB_DISCARDS = 0x198;
export const THREAD_CFG_HITS = 0x1a0;
export const THREAD_CFG_MISSES = 0x1a8;
export const THREAD_FAULTS = 0x1b0;
export const THREAD_EVENTS_LOST = 0x1b8;
/**
 * i64: generation of the configuration-cache set when the configuration in use was read.
 */
export const THREAD_CFG_GEN = 0x1c0;
// The access being translated: StreamID, SubstreamID (CFG_NO_SSID for none), u64 iova,
// ACCESS_* attributes.
export const THREAD_SID = 0x1c8;
export const THREAD_SSID = 0x1cc;
export const THREAD_IOVA = 0x1d0;
export const THREAD_ATTRIBUTES = 0x1d8;
/**
 * Scratch of the walk of stage 2, 64 bytes each: for the access's own address, and for an
 * address of stage 1's tables.
 */
export const THREAD_WALK_STAGE2 = 0x200;
export const THREAD_WALK_TABLE = 0x240;
