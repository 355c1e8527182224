// SPDX-License-Identifier: MIT
// A thread block in host memory (host-memory.ts): the state of one thread while it
// translates and drains, and its counters. Private to the thread, except for its
// in-flight word. Offsets in bytes.
//
// The functions of the SMMU core pass their state in these words; each of them documents
// which words it reads and which it destroys; "the access" is THREAD_SID to
// THREAD_ATTRIBUTES. TypeScript sees the results only through
// devices/unit/thread-block.ts.

/**
 * i64: 0 when no access is in flight, otherwise 1 + the sync epoch in which the access
 * began.
 */
export const THREAD_IN_FLIGHT = 0x00;
/** f64: when this thread last read the clock for the trace. */
export const THREAD_TRACE_TIME = 0x08;
/**
 * Records still to come without a time in bits [7:0], the number there were in [15:8],
 * and HOST_AT_TRACE_MARKS at that time in [31:16].
 */
export const THREAD_TRACE_BURST = 0x1c;
/** A doorbell (TRACE_DOORBELL) that is not in the trace yet, or 0. */
export const THREAD_TRACE_DOORBELL = 0x1dc;
// Result of the last translation.
/** PA of the translated byte: low word (address in its window), high word (window). */
export const THREAD_PA = 0x10;
/** log2 of the size in bytes of the translated block, which the access must not leave. */
export const THREAD_PA_SIZE = 0x18;
/** Event record of the last fault, 32 bytes; word 0 is 0 when the fault has no record. */
export const THREAD_EVENT = 0x20;
/** Scratch for one STE or CD, 64 bytes each. */
export const THREAD_STE = 0x40;
export const THREAD_CD = 0x80;
/** Scratch for one configuration-cache entry, CFG_ENTRY_SIZE bytes. */
export const THREAD_CFG = 0xc0;
/** Scratch of the stage-1 walk, or of the AMD IOMMU's walk, 64 bytes. */
export const THREAD_WALK_STAGE1 = 0x140;
// i64 counters, written by this thread only.
export const THREAD_TLB_HITS = 0x180;
export const THREAD_TLB_MISSES = 0x188;
export const THREAD_TLB_INSERTS = 0x190;
/**
 * Inserts abandoned because an invalidation ran in parallel with the walk, or because the
 * set was locked.
 */
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
 * Scratch of the stage-2 walk, 64 bytes each: for the access's own address, and for the
 * address of a stage-1 table.
 */
export const THREAD_WALK_STAGE2 = 0x200;
export const THREAD_WALK_TABLE = 0x240;
