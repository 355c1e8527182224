// SPDX-License-Identifier: MIT
// The block of an arm64 vCPU, ARM64_VCPU_SIZE bytes at an address aligned to 64 KiB.
// Offsets in bytes. Private to the thread that runs the vCPU, except for words marked as
// shared.

export const ARM64_VCPU_SIZE = 0x100000;

// General-purpose registers, u64 each: 0 for XZR, then X0 to X30, then the current SP. A
// record holds a register as its offset, so that no code compares with number 31:
// relative to ARM64_ZR where 31 is XZR, to ARM64_X where 31 is SP.
export const ARM64_ZR = 0x000;
export const ARM64_X = 0x008;
export const ARM64_X30 = 0x0f8;
export const ARM64_SP = 0x100;
export const ARM64_PC = 0x108;

// PSTATE, u32 each. NZCV in bits 31 to 28, DAIF in bits 9 to 6, PAN in bit 22, SS in bit
// 21, as in SPSR; the others as numbers.
export const ARM64_NZCV = 0x110;
export const ARM64_DAIF = 0x114;
export const ARM64_EL = 0x118;
export const ARM64_SPSEL = 0x11c;
export const ARM64_PAN = 0x120;
export const ARM64_SS = 0x124;
export const ARM64_IL = 0x128;
/**
 * u32: ISS.ISV and ISS.EX of the next software step exception, which describe the stepped
 * instruction.
 */
export const ARM64_STEPPED = 0x12c;

/** u64: instructions executed, those that took an exception included. */
export const ARM64_COUNT = 0x130;
/**
 * u32, shared: the end of the slice, 8 times the number of instructions after its start.
 * Checked after every taken branch. Another thread stores 0 to make the vCPU check its
 * pending interrupts.
 */
export const ARM64_LIMIT = 0x138;
/** u32, shared: ARM64_PENDING_* bits. */
export const ARM64_PENDING = 0x13c;
export const ARM64_PENDING_IRQ = 1;
export const ARM64_PENDING_FIQ = 2;
/** The host asks the vCPU to leave its run. */
export const ARM64_PENDING_STOP = 4;

/**
 * u32: the requested slice, in the unit of ARM64_LIMIT, from which ARM64_LIMIT is
 * restored after a kick has cleared it.
 */
export const ARM64_SLICE = 0x140;
/** u32: the record that stopped, for use by the special records. */
export const ARM64_TRAP_RECORD_AT = 0x144;
/** u32: record page of the PC, once it has been looked up. */
export const ARM64_BASE = 0x148;
/** Fault of the last access: syndrome (ESR), address (FAR). */
export const ARM64_FAULT_ESR = 0x14c;
export const ARM64_FAULT_FAR = 0x150;
/**
 * Last translation: PA (u64), whether EL0 may access the page, whether it is Device
 * memory (u32 each).
 */
export const ARM64_WALK_PA = 0x158;

export const ARM64_WALK_USER = 0x164;
export const ARM64_WALK_DEVICE = 0x168;
/**
 * u32: attributes of the page in bits 7 to 0, encoded as in MAIR, shareability in bits 9
 * and 8; log2 of the mapping's size.
 */
export const ARM64_WALK_ATTRIBUTES = 0x16c;
export const ARM64_WALK_SHIFT = 0x160;

// The exclusive monitor: host address (0: open), size in bytes, and the values that were
// loaded.
export const ARM64_MONITOR_AT = 0x170;
export const ARM64_MONITOR_SIZE = 0x174;
export const ARM64_MONITOR_LOW = 0x178;
export const ARM64_MONITOR_HIGH = 0x180;
/** u32: the event register of WFE. Shared: SEV sets it. */
export const ARM64_EVENT = 0x188;
/**
 * u32: PSTATE.SS at the start of the instruction that is being stepped, which its own
 * exceptions save.
 */
export const ARM64_STEPPING = 0x18c;

/** 16 bytes: an access that crosses pages, or that a device handles. */
export const ARM64_BUFFER = 0x190;

// An access to a device, or to a register that the board implements, while the board
// handles it: address (u64), size in bytes, value (u64).
export const ARM64_MMIO_ADDRESS = 0x1a0;
export const ARM64_MMIO_SIZE = 0x1a8;
export const ARM64_MMIO_VALUE = 0x1b0;

// Records that do not come from guest code, 8 bytes each.
export const ARM64_RECORD_TRAP = 0x1c0;
export const ARM64_RECORD_LIMIT = 0x1c8;
export const ARM64_RECORD_FETCH = 0x1d0;
export const ARM64_RECORD_WEDGED = 0x1d8;
/** A copy of the instruction to step, and the record that follows it. */
export const ARM64_RECORD_STEP = 0x1e0;

/** i32: the exit reason of the next stop, where a special record provides it. */
export const ARM64_EXIT = 0x1f0;
/** A word that exists only for atomic operations used as barriers. */
export const ARM64_BARRIER = 0x1f4;

/**
 * u32 each, set by the host before the first run: the block of vCPU 0, which the others
 * follow, and the number of vCPUs. Effects on other vCPUs (TLBI of the Inner Shareable
 * domain, SEV) are applied to these blocks. 0 vCPUs: there is no other.
 */
export const ARM64_PEERS = 0x1f8;
export const ARM64_PEER_COUNT = 0x1fc;

// Memory, set by the host before the first run. RAM: host address, u64 gpa, size in
// bytes.
export const ARM64_RAM = 0x200;
export const ARM64_RAM_SIZE = 0x204;
export const ARM64_RAM_GPA = 0x208;
/** u32: address of the record pool (a64 records; arm64-records.ts). */
export const ARM64_POOL = 0x210;

/** u32: the table of direct maps (arm64-map-table.ts), 0 when there is none. */
export const ARM64_MAPS = 0x214;

// Time, set by the host: the counter is ARM64_TIME + (count - ARM64_TIME_COUNT) *
// ARM64_TIME_RATE / 2^32.
export const ARM64_TIME = 0x218;
export const ARM64_TIME_COUNT = 0x220;
export const ARM64_TIME_RATE = 0x228;

// State of a run between the loops of the interpreter: the next record; a number whose
// sum with it is 8 times the instructions of the run (u32 each); the flags
// (lazy-flags.ts: i64, i64, u32); ARM64_COUNT at the start (u64). PC of a record:
// ARM64_PC_OFFSET (u64) + half its address, the same for all records of a page.
export const ARM64_DP = 0x230;
export const ARM64_ACC = 0x234;
export const ARM64_FA = 0x238;
export const ARM64_FB = 0x240;
export const ARM64_FK = 0x248;
export const ARM64_STARTED = 0x250;
export const ARM64_PC_OFFSET = 0x258;
/** The record for instructions that the fast loop leaves to the slow one. */
export const ARM64_RECORD_SLOW = 0x260;

/**
 * u32, shared: not 0 while somebody asks the vCPU to leave its run at its next limit, for
 * example a queue that needs the host.
 */
export const ARM64_EXIT_REQUEST = 0x268;

// Check of the instruction cache: the record page that IC has been executed for (u32; 1:
// several) since the last context synchronization; the last report: PC of the store, of
// the instruction (u64 each), and ARM64_STALE_* (u32).
export const ARM64_IC_PAGE = 0x26c;
export const ARM64_STALE_WHY = 0x274;
export const ARM64_STALE_STORE = 0x278;
export const ARM64_STALE_FETCH = 0x280;

// Detection of hot code, for which regions are generated (arm64-regions.ts). Set by the
// host after a reset: the minimum number of instructions between two samples, in eighths
// as in ARM64_LIMIT (u32; 0: no samples), and the number of samples that makes a record
// hot (u32).
export const ARM64_SAMPLE_EVERY = 0x2c0;
export const ARM64_SAMPLE_THRESHOLD = 0x2c4;
/**
 * u32: the value of ARM64_LIMIT while a sample is due before the end of the slice,
 * otherwise 0.
 */
export const ARM64_SAMPLE_LIMIT = 0x2c8;
/** u32: the distance to the next sample; the seed of its variation. */
export const ARM64_SAMPLE_DISTANCE = 0x2cc;
export const ARM64_SAMPLE_SEED = 0x2d0;
/** u32: entries of ARM64_HOT_LIST. The host removes them. */
export const ARM64_HOT_COUNT = 0x2d4;

// Registers that each exception level has, u64 each: ARM64_BANK + EL * ARM64_BANK_STRIDE
// + one of the offsets below. The stack pointer of the level in use is in ARM64_SP.
export const ARM64_BANK = 0x400;
export const ARM64_BANK_STRIDE = 0x100;
export const BANK_SP = 0x00;
export const BANK_ELR = 0x08;
export const BANK_SPSR = 0x10;
export const BANK_ESR = 0x18;
export const BANK_FAR = 0x20;
export const BANK_VBAR = 0x28;
export const BANK_SCTLR = 0x30;
export const BANK_TCR = 0x38;
export const BANK_TTBR0 = 0x40;
export const BANK_TTBR1 = 0x48;
export const BANK_MAIR = 0x50;
export const BANK_TPIDR = 0x58;
export const BANK_CONTEXTIDR = 0x60;
export const BANK_CNTKCTL = 0x68;

/**
 * All other system registers that are storage, u64 each: arm64-registers.ts defines the
 * slots.
 */
export const ARM64_REGISTERS = 0x800;

/** Breakpoints and watchpoints of the debug architecture (ID_AA64DFR0_EL1). */
export const ARM64_BREAKPOINTS = 2;
export const ARM64_WATCHPOINTS = 2;

/**
 * Timers, u64 each: compare value and control of the virtual, then of the physical timer.
 */
export const ARM64_CNTV_CVAL = 0xe00;
export const ARM64_CNTV_CTL = 0xe08;
export const ARM64_CNTP_CVAL = 0xe10;
export const ARM64_CNTP_CTL = 0xe18;
/** u64: OS Lock of the debug architecture, 1 while locked. */
export const ARM64_OS_LOCK = 0xe20;
/**
 * u32: the kinds of TLB entries present that a change of TTBR0_EL1 or of the ASID makes
 * stale: 1 entries of EL0, 2 entries of EL1 for the lower half; 4 entries of mappings
 * above 2 MiB, which any invalidation by address may concern; 8 any entry at all.
 */
export const ARM64_TLB_USED = 0xe28;
/**
 * 1024 bits by (VA >> 21): set when the TLBs have entries of mappings of more than 4 KiB
 * up to 2 MiB.
 */
export const ARM64_TLB_BLOCKS = 0xe80;
export const ARM64_TLB_BLOCKS_SIZE = 128;

/** The numbers 0 to 31, u64 each: immediate operands that records use like registers. */
export const ARM64_NUMBERS = 0xf00;

/** Tables of CRC32 and CRC32C, 256 u32 each. */
export const ARM64_CRC32 = 0x1000;
export const ARM64_CRC32C = 0x1400;

// TLBs by exception level: ARM64_TLB + EL * ARM64_TLB_STRIDE. Reads, writes and
// instructions; entries of 16 bytes: tag (VA of the page, or ARM64_TLB_INVALID), addend
// (u32). Host address of data = low half of the VA + addend; addend of an instruction
// entry = record page.
export const ARM64_TLB = 0x10000;
export const ARM64_TLB_STRIDE = 0x10000;
export const ARM64_TLB_WRITE = 0x4000;
export const ARM64_TLB_FETCH = 0x8000;
export const ARM64_TLB_SIZE = 0x9000;
export const ARM64_TLB_FETCH_ENTRIES = 256;
/**
 * A tag that no page has, and in an instruction entry no misaligned PC either, whose low
 * two bits are compared as well.
 */
export const ARM64_TLB_INVALID = 0x10;
/**
 * In a tag: the page is Device memory outside RAM, and its PA follows (u64). No access
 * hits it in the fast loop, as the alignment has to be checked.
 */
export const ARM64_TLB_DEVICE = 2;

/** Samples by record: address of the record, and number of samples (u32 each). */
export const ARM64_HEAT = 0x30000;
export const ARM64_HEAT_ENTRIES = 4096;
/** Hot records: address, and that of the page's first record (u32 each). */
export const ARM64_HOT_LIST = 0x38000;
export const ARM64_HOT_ENTRIES = 64;

// For several vCPUs, each on its own thread (docs/internals/arm64-threads.md). A reset
// does not change these.

/**
 * u32, set by the host before the first run: not 0 when the vCPUs have their own threads.
 */
export const ARM64_THREADED = 0x40000;
/** u32, shared: ARM64_INSIDE and ARM64_MIDWAY. Only the vCPU's thread writes it. */
export const ARM64_PRESENCE = 0x40004;
/**
 * The vCPU executes instructions, and handles requests of others at its next boundary.
 */
export const ARM64_INSIDE = 1;
/**
 * The vCPU is in the middle of an instruction that has called the host, with no boundary
 * since.
 */
export const ARM64_MIDWAY = 2;
/** u32, shared: not 0 when the inboxes may have requests. */
export const ARM64_NOTICE = 0x40008;
/**
 * u32 each: the vCPU has sent requests that no DSB has waited for; they include an IC
 * (shared).
 */
export const ARM64_POSTED = 0x4000c;
export const ARM64_POSTED_IC = 0x40010;
/**
 * u32, shared: not 0 while the vCPU may store to a direct map. vCPUs that take turns on
 * one thread share the word of vCPU 0.
 */
export const ARM64_AWAKE = 0x40014;
/** A record that is executed outside its page, and the one that follows it. */
export const ARM64_RECORD_ASIDE = 0x40020;
/** Scratch in which a record is decoded before it is published. */
export const ARM64_RECORD_SCRATCH = 0x40030;
/**
 * u64, shared, in the block of vCPU 0 alone: the latest counter value that any vCPU has
 * read.
 */
export const ARM64_LATEST = 0x40040;
/**
 * i64, shared, in the block of vCPU 0 alone: the computer's clock in ns when the counter
 * was 0.
 */
export const ARM64_TIME_ORIGIN = 0x40050;
/**
 * u32, shared, in the block of vCPU 0 alone: lock for discarding records and for changing
 * one.
 */
export const ARM64_RECORDS_LOCK = 0x40048;
/**
 * u32 each, shared, in the block of vCPU 0 alone: the drain sleeps or is about to; the
 * word that it sleeps on.
 */
export const ARM64_DRAIN_SLEEPING = 0x40058;
export const ARM64_DRAIN_WAKE = 0x4005c;
/**
 * Locks of 128-bit operations by address, u32 each, shared, in the block of vCPU 0 alone.
 */
export const ARM64_PAIR_LOCKS = 0x40100;
export const ARM64_PAIR_LOCK_COUNT = 64;

// Requests from others: an inbox for each other vCPU, by number, and after those the
// inbox of the host. The count of requests ever made (u32, written by the sender), the
// count of requests completed (u32, written by the vCPU), then the latest requests, u64
// each.
export const ARM64_INBOX = 0x40400;
export const ARM64_INBOX_SIZE = 0x100;
export const ARM64_INBOX_MADE = 0x00;
export const ARM64_INBOX_DONE = 0x04;
export const ARM64_INBOX_REQUESTS = 0x40;
export const ARM64_INBOX_LENGTH = 16;
/** Inbox of the host, after those of the most vCPUs possible. */
export const ARM64_INBOX_HOST = 8;

// Kinds of a request, in its low bits: only to pass a boundary; to drop all translations;
// to drop those of TTBR0_EL1 and of ASIDs; to drop those of the address in the bits from
// 12 on.
export const ARM64_REQUEST_PASS = 0;
export const ARM64_REQUEST_ALL = 1;
export const ARM64_REQUEST_LOWER = 2;
export const ARM64_REQUEST_ADDRESS = 3;
