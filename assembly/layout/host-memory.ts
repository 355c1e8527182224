// SPDX-License-Identifier: MIT
// The map of host memory: one shared memory per host, which no guest can reach. Offsets
// in bytes; all words little-endian. docs/internals/architecture.md holds the ownership
// table (who writes what, under which atomic form).
//
//   0x00000000  header
//   0x00001000  thread blocks, one per thread that translates or drains
//   0x0000b000  segment blocks, one per thread
//   0x00010000  SMMU blocks, SMMU_STRIDE bytes each
//   (header)    host RAM: window 0 of the physical address map (stream tables, stage-2
//               tables, host queues)
//   (header)    the trace ring, when there is one
//
// The content of these parts is defined in separate files: thread-memory.ts,
// segment-memory.ts, and for an SMMU block smmu-memory.ts (registers, counters),
// action-memory.ts, context-memory.ts, queue-memory.ts, config-cache-memory.ts,
// iotlb-memory.ts, vmid-memory.ts, stall-memory.ts, ats-memory.ts, check-memory.ts and
// amd-block.ts. There, offsets named SMMU_AT_* are inside an SMMU block, all others
// inside one block or entry.

export const HOST_MAGIC = 0x484d5356;
export const HOST_AT_MAGIC = 0x00;
export const HOST_AT_SMMU_COUNT = 0x04;
/** Byte offset of host RAM in host memory. */
export const HOST_AT_RAM_BASE = 0x08;
/** Size of host RAM in bytes; a PA of window 0 is valid below it. */
export const HOST_AT_RAM_SIZE = 0x0c;
/** Number of thread blocks that have ever been used: CMD_SYNC visits so many. */
export const HOST_AT_THREADS = 0x10;
/**
 * Count, raised whenever something needs the host (held error, emulation, unserved
 * doorbell, event record).
 */
export const HOST_AT_ATTENTION = 0x14;
/**
 * HOST_AT_ATTENTION at the start of the host's last pass: nobody needs to call the host
 * for anything raised up to then.
 */
export const HOST_AT_ATTENTION_SEEN = 0x3c;
/**
 * i64, raised by every CMD_SYNC of every SMMU of the host: distinguishes accesses that
 * began before it from those that began after.
 */
export const HOST_AT_SYNC_EPOCH = 0x18;
/**
 * The fields that the records of each event carry: one u32 of EVENT_* bits for each ID
 * below EVENT_IDS. Never changes.
 */
export const HOST_AT_EVENTS = 0x100;
export const EVENT_IDS = 64;
/**
 * Byte offset of the trace ring (trace-memory.ts), 0 while nothing is traced; its number
 * of units less one; and the index of the next unit, which wraps.
 */
export const HOST_AT_TRACE = 0x20;
export const HOST_AT_TRACE_MASK = 0x24;
export const HOST_AT_TRACE_NEXT = 0x28;
/** Random number that is added to the sequence words of the trace ring. */
export const HOST_AT_TRACE_SALT = 0x2c;
/**
 * Raised when the reader of the trace has read the clock: a burst of records in progress
 * ends.
 */
export const HOST_AT_TRACE_MARKS = 0x38;
/**
 * f64, origin of the host's clock (performance.timeOrigin of the thread that made this
 * memory).
 */
export const HOST_AT_EPOCH = 0x30;
/**
 * One word for each of 64 windows: the VMID assigned to the running vCPUs of its VM; 0
 * while none of them runs.
 */
export const HOST_AT_VCPU_VMIDS = 0x200;

/** Thread blocks (thread-memory.ts). */
export const HOST_THREADS = 0x1000;
export const THREAD_STRIDE = 0x280;
export const MAX_THREADS = 64;

/** Segment blocks (segment-memory.ts). */
export const HOST_SEGMENTS = 0xb000;
export const SEGMENTS_STRIDE = 0x140;

/** SMMU blocks (smmu-memory.ts). */
export const HOST_SMMUS = 0x10000;
export const SMMU_STRIDE = 0x1200000;
