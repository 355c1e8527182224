// SPDX-License-Identifier: MIT
// Queue blocks in an SMMU block. Blocks 0 to 127 are the VCMDQs, QUEUE_MAIN the SMMU's
// own CMDQ, QUEUE_GUEST + n the trapped CMDQ of a vIOMMU, QUEUE_ECMDQ and up the enhanced
// command queues. Offsets in bytes, named QUEUE_* inside one block.

export const SMMU_AT_QUEUES = 0xc0000;
export const QUEUE_STRIDE = 0x80;
export const MAX_QUEUES = 512;
export const QUEUE_MAIN = 128;
export const QUEUE_GUEST = 129;
/**
 * ECMDQs, ECMDQS_PER_SMMU for each owner: first the SMMU's own, then those of vIOMMU 0
 * and up.
 */
export const QUEUE_ECMDQ = 193;
export const ECMDQS_PER_SMMU = 4;
/** Owner count: the thread that raises it from 0 owns the queue. */
export const QUEUE_OWNERS = 0x00;
/** Thread of the owner, + 1; 0 when nobody owns the queue. */
export const QUEUE_OWNER_THREAD = 0x04;
/** QUEUE_KIND_*: selects the action table and how CMD_SYNC and page 0 behave. */
export const QUEUE_KIND = 0x08;
export const QUEUE_KIND_MAIN = 0;
export const QUEUE_KIND_VCMDQ_GUEST = 1;
export const QUEUE_KIND_VCMDQ_HYP = 2;
export const QUEUE_KIND_GUEST_CMDQ = 3;
/** A guest's CMDQ whose PROD and CONS are mapped into the guest (the overlay path). */
export const QUEUE_KIND_OVERLAY = 4;
/**
 * A guest's ECMDQ whose PROD and CONS are mapped into the guest. An ECMDQ whose registers
 * trap is a QUEUE_KIND_GUEST_CMDQ.
 */
export const QUEUE_KIND_ECMDQ = 5;
export const QUEUE_KINDS = 6;
/** Index of the command context. */
export const QUEUE_CTX = 0x0c;
/** Index of the queue inside its VINTF: its slot in page 0. */
export const QUEUE_LVCMDQ = 0x64;
/** 1 when the queue may run: CMDQ_ALLOC.ALLOCATED for a VCMDQ, CR0.CMDQEN for a CMDQ. */
export const QUEUE_ALLOCATED = 0x10;
/**
 * 1 after the drain has accepted CONFIG.EN: the authoritative value of STATUS.ENABLED.
 * QUEUE_KIND_ECMDQ: ENACK, at its position in CONS.
 */
export const QUEUE_ENABLED = 0x14;
export const QUEUE_LOG2SIZE = 0x18;
/** Location of the ring: 0 host memory, otherwise the window of the guest memory. */
export const QUEUE_RING_WINDOW = 0x1c;
/** Byte offset of the ring in that memory; 0 when there is no valid ring. */
export const QUEUE_RING = 0x20;
/**
 * Byte offset in host memory of the page-0 registers while they are not mapped into a
 * guest.
 */
export const QUEUE_REGS = 0x24;
/** Private CONS (index and wrap bit). */
export const QUEUE_CONS = 0x28;
/** Error code of a held or published error, 0 when there is none. */
export const QUEUE_ERR = 0x2c;
/** QUEUE_RUNNING to QUEUE_NEEDS_HOST. */
export const QUEUE_STATE = 0x30;
export const QUEUE_RUNNING = 0;
/** Stopped at a CMD_SYNC that waits for accesses in flight. */
export const QUEUE_PARKED = 1;
/**
 * Stopped at a bad command; the host's policy has not decided yet, and nothing is
 * published.
 */
export const QUEUE_ERROR_HELD = 2;
/** The error is published; the queue resumes when GERRORN equals GERROR. */
export const QUEUE_ERROR_PUBLISHED = 3;
/** Stopped at a command that only the host can execute (trapped CMDQ). */
export const QUEUE_NEEDS_HOST = 4;
/**
 * Authoritative GERROR. QUEUE_KIND_ECMDQ: ERR and ERR_REASON, at their positions in CONS.
 */
export const QUEUE_GERROR = 0x34;
/** i64: sync epoch that the parked CMD_SYNC waits for. */
export const QUEUE_PARK_EPOCH = 0x38;
// i64 counters, written by the owner of the queue.
export const QUEUE_COMMANDS = 0x40;
export const QUEUE_SYNCS = 0x48;
export const QUEUE_ERRORS = 0x50;
/** Commands whose VMID or StreamID the drain replaced. */
export const QUEUE_REWRITES = 0x58;
/** i32: STAT_* offset of the reason of the last error. */
export const QUEUE_REASON = 0x60;
/**
 * i64 each: doublewords of the CMD_SYNC that the queue is parked at, as they were read.
 */
export const QUEUE_PARKED_D0 = 0x68;
export const QUEUE_PARKED_D1 = 0x70;
/**
 * Width of the address of a CMD_SYNC's MSI (IDR5.OAS); 0 when the SMMU has no MSIs
 * (IDR0.MSI).
 */
export const QUEUE_MSI_BITS = 0x78;
/**
 * QUEUE_KIND_OVERLAY, QUEUE_KIND_ECMDQ: guest-memory offset of PROD, which CONS follows;
 * 0 while the registers trap.
 */
export const QUEUE_MAPPED_AT = 0x7c;

/**
 * Host-private page-0 registers of every queue block, VCMDQ_STRIDE bytes each, in the
 * layout of a VCMDQ's page 0.
 */
export const SMMU_AT_REGS = 0xd0000;
