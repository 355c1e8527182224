// SPDX-License-Identifier: MIT
// An SMMU block in host memory (host-memory.ts): the registers that the hot code needs,
// and the counters. Offsets in bytes, named SMMU_AT_*; the files for contexts, queues,
// caches and so on define more.

// Registers of the physical SMMU that translation needs, as its device model last
// published them.
export const SMMU_AT_CR0 = 0x00;
export const SMMU_AT_CR2 = 0x04;
export const SMMU_AT_GBPA = 0x08;
export const SMMU_AT_IDR0 = 0x0c;
export const SMMU_AT_IDR1 = 0x10;
export const SMMU_AT_IDR3 = 0x14;
export const SMMU_AT_IDR5 = 0x18;
export const SMMU_AT_STRTAB_CFG = 0x1c;
/** u64 PA. */
export const SMMU_AT_STRTAB_BASE = 0x20;
/**
 * u64 PA of the event queue, then log2 of its entries, PROD (with OVFLG), CONS (with
 * OVACKFLG).
 */
export const SMMU_AT_EVENTQ_BASE = 0x28;
export const SMMU_AT_EVENTQ_LOG2SIZE = 0x30;
export const SMMU_AT_EVENTQ_PROD = 0x34;
export const SMMU_AT_EVENTQ_CONS = 0x38;
/** Ownership word of the event queue's producer side: 0 free, otherwise thread + 1. */
export const SMMU_AT_EVENTQ_OWNER = 0x3c;
/**
 * 0, or EVENTQ_ABORTED when an event record could not be written. The device model
 * changes it to EVENTQ_ABORT_ACTIVE when it has raised GERROR.EVENTQ_ABT_ERR, and to 0
 * when software has acknowledged the error. No record is written while it is not 0.
 */
export const SMMU_AT_EVENTQ_ABORT = 0x40;
export const EVENTQ_ABORTED = 1;
export const EVENTQ_ABORT_ACTIVE = 2;
/** Number of queues parked at a CMD_SYNC. */
export const SMMU_AT_PARKED = 0x44;
/**
 * i64, raised by TLBI_NSNH_ALL: an entry of an older generation is dead regardless of its
 * VMID.
 */
export const SMMU_AT_ALL_GEN = 0x50;
/** Number of VCMDQs, and of VCMDQs in each VINTF. */
export const SMMU_AT_NUM_VCMDQ = 0x58;
export const SMMU_AT_NUM_LVCMDQ = 0x5c;
/** CMDQV CONFIG.EN as last published: 0 stops every VCMDQ. */
export const SMMU_AT_CMDQV_EN = 0x60;
/** A bit of SMMU_AT_CR0 that the register does not have: a fault is planted. */
export const SMMU_CR0_PLANTED = (0 << 16) | (31 << 8) | 1;
/**
 * The planted fault (PhysicalSmmu.plantFault): its event, its StreamID, and the number of
 * transactions that it will still hit.
 */
export const SMMU_AT_PLANTED_EVENT = 0xf0;
export const SMMU_AT_PLANTED_SID = 0xf4;
export const SMMU_AT_PLANTED_LEFT = 0xf8;
/**
 * 1 once an STE with CONT has been cached: until then no entry of the configuration cache
 * can belong to a span of streams.
 */
export const SMMU_AT_CFG_CONT = 0xfc;
/** Number of entries of the table of stalled transactions that are not free. */
export const SMMU_AT_STALLED = 0x80;

// i32 counters of the SMMU (atomic adds; error paths and rare commands only, so that no
// hot path pays for them).
export const SMMU_AT_STATS = 0x1000;
export const STAT_ILL_OPCODE = 0x00;
export const STAT_ILL_SSEC = 0x04;
export const STAT_ILL_CS = 0x08;
export const STAT_ILL_SID = 0x0c;
export const STAT_FETCH_ABORT = 0x10;
export const STAT_INIT_ERROR = 0x14;
/** Writes by the guest to read-only words of page 0 that the drain has restored. */
export const STAT_REPAIRS = 0x18;
/** PROD more than a whole queue ahead of CONS. */
export const STAT_PROD_RANGE = 0x1c;
export const STAT_PARKS = 0x20;
export const STAT_ROUNDS_EXHAUSTED = 0x24;
export const STAT_BUDGET_EXHAUSTED = 0x28;
export const STAT_EVENTQ_OVERFLOW = 0x2c;
export const STAT_EVENTQ_ABORT = 0x30;
export const STAT_ERROR_HELD = 0x34;
export const STAT_ERROR_PUBLISHED = 0x38;
export const STAT_ERROR_SKIPPED = 0x3c;
export const STAT_ATC_INV = 0x40;
export const STAT_CFGI = 0x44;
/** MSIs that the drain has written for a CMD_SYNC. */
export const STAT_MSIS = 0x48;
export const STAT_ILL_RANGE = 0x4c;
/** Records that were merged into another one (STE.MEV). */
export const STAT_EVENTS_MERGED = 0x50;
/** CMD_SYNCs that ended with CERROR_ATC_INV_SYNC. */
export const STAT_ATC_TIMEOUT = 0x54;
export const STAT_ATS_REQUESTS = 0x58;
export const STAT_PAGE_REQUESTS = 0x5c;
/** Page requests that the SMMU has answered by itself. */
export const STAT_PRI_AUTO = 0x60;
/** A PRI_RESP with a reserved response. */
export const STAT_ILL_RESPONSE = 0x64;
/** One i32 per event ID: events to be recorded. */
export const STAT_EVENTS = 0x100;
