// SPDX-License-Identifier: MIT
// The trace ring in host memory: the actions of the drain and of the SMMU core, while
// somebody traces them. Written by any thread, read by the VMM.
//
// The ring consists of units. A writer reserves all units of a record at once
// (HOST_AT_TRACE_NEXT), fills them, and finally writes the index of the first unit, plus
// HOST_AT_TRACE_SALT, to that unit's sequence word. A reader that finds another value
// there is too early, or has been overtaken by a whole ring. No guest knows the salt, so
// commands in the ring cannot be mistaken for the head of a record.

export const TRACE_UNIT = 32;
export const TRACE_SEQUENCE = 0x00;
/**
 * TRACE_KIND_* in bits [7:0], thread block in [15:8], SMMU in [22:16], by kind in
 * [31:23].
 */
export const TRACE_WHAT = 0x04;
/**
 * f64, milliseconds on the clock of the host's own thread. 0: the clock was not read, as
 * the record belongs to a burst. Reading the clock costs as much as two commands; a
 * thread whose records follow each other within TRACE_BURST_NS therefore reads it only
 * for the first record of ever longer bursts.
 */
export const TRACE_TIME = 0x08;
export const TRACE_BURST_NS = 2000;
/** The most records of a burst without a time: one less than a power of two. */
export const TRACE_BURST_MOST = 63;
/** Units of the record, the first one included, in bits [15:0]. */
export const TRACE_UNITS = 0x10;
/** The meaning depends on the kind. */
export const TRACE_A = 0x14;
export const TRACE_B = 0x18;

/**
 * Padding: a record has to be contiguous, and these units remained at the end of the
 * ring.
 */
export const TRACE_KIND_PADDING = 1;
/**
 * A doorbell call that ran no command: another thread owns the queue, or there was
 * nothing to do. One unit. B: u32, a TRACE_DOORBELL.
 */
export const TRACE_KIND_DOORBELL = 2;
/**
 * A run of commands of one queue, whose block number is in [31:23] of TRACE_WHAT. A: the
 * number of commands read, bit 31 set when the last of them was not executed. B: f32,
 * milliseconds that the run took, when it has a time; then u32, the doorbell that started
 * it, or 0. The commands follow, 16 bytes each, from the second unit on.
 */
export const TRACE_KIND_RUN = 3;
export const TRACE_REFUSED = 0x80000000;
/**
 * A doorbell: this bit, the command context, and the offset of the stored register, its
 * slot included. Fields as in smmu-registers.ts.
 */
export const TRACE_DOORBELL = 0x80000000;
export const TRACE_DOORBELL_OFFSET = (0 << 16) | (0 << 8) | 16;
export const TRACE_DOORBELL_CONTEXT = (0 << 16) | (16 << 8) | 8;
/**
 * A translation for which the IOTLB had no entry. [31:23] of TRACE_WHAT: TRANSLATE_*. A:
 * u32, hits of the thread so far (low word of THREAD_TLB_HITS). B: u64 iova. Two units;
 * the second one has the TRACE_WALK_*.
 */
export const TRACE_KIND_WALK = 4;
export const TRACE_WALK_SID = 0x20;
/** CFG_NO_SSID for none. */
export const TRACE_WALK_SSID = 0x24;
/**
 * ID of the event in bits [7:0], 0 for none; ACCESS_* in [15:8]; log2 of the size in
 * bytes in [23:16]; bit 24: VMID and ASID are known.
 */
export const TRACE_WALK_HOW = 0x28;
export const TRACE_WALK_CONFIGURED = 1 << 24;
/** VMID in bits [15:0], ASID in [31:16]. */
export const TRACE_WALK_TAGS = 0x2c;
/** u64 */
export const TRACE_WALK_PA = 0x30;
