// SPDX-License-Identifier: MIT
// The block of an arm64 vCPU, VCPU_SIZE bytes at an address aligned to 64 KiB. Offsets in
// bytes. Private to the thread that runs the vCPU, but for the words that say otherwise.

export const ARM64_VCPU_SIZE = 0x100000;

// General-purpose registers, u64 each: 0 for XZR, then X0 to X30, then the SP in use. A
// record holds a register as its offset, so that no code looks for number 31: relative to
// ARM64_ZR where 31 is XZR, to ARM64_X where 31 is SP.
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
 * u32: ISS.ISV and ISS.EX of the next software step exception, which say what has been
 * stepped.
 */
export const ARM64_STEPPED = 0x12c;

/** u64: instructions executed, those that took an exception included. */
export const ARM64_COUNT = 0x130;
/**
 * u32, shared: where the slice ends, 8 times the number of instructions after its start.
 * Looked at behind every taken branch. Another thread stores 0 to have the vCPU look at
 * its pending interrupts.
 */
export const ARM64_LIMIT = 0x138;
/** u32, shared: ARM64_PENDING_* bits. */
export const ARM64_PENDING = 0x13c;
export const ARM64_PENDING_IRQ = 1;
export const ARM64_PENDING_FIQ = 2;
/** The host wants the vCPU to leave its run. */
export const ARM64_PENDING_STOP = 4;

/**
 * u32: the slice asked for, in the unit of ARM64_LIMIT: what a kick has taken from
 * ARM64_LIMIT.
 */
export const ARM64_SLICE = 0x140;
/** u32: the record that stopped, for the special records. */
export const ARM64_TRAP_RECORD_AT = 0x144;
/** u32: record page of the PC, once located. */
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
 * u32: attributes of the page as MAIR has them in bits 7 to 0, shareability in 9 and 8;
 * log2 of the mapping's size.
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
 * u32: PSTATE.SS as the instruction that is being stepped has found it: that of its own
 * exceptions.
 */
export const ARM64_STEPPING = 0x18c;

/** 16 bytes: an access that crosses pages, or that a device answers. */
export const ARM64_BUFFER = 0x190;

// An access of a device or of a register that the board has, while it is asked: address
// (u64), size in bytes, value (u64).
export const ARM64_MMIO_ADDRESS = 0x1a0;
export const ARM64_MMIO_SIZE = 0x1a8;
export const ARM64_MMIO_VALUE = 0x1b0;
/**
 * u32: encoding of the last system register that was asked for and is not implemented
 * (op0:op1:CRn:CRm:op2, 16 bits).
 */
export const ARM64_UNKNOWN_REGISTER = 0x1b8;

// Records that are not of guest code, 8 bytes each.
export const ARM64_RECORD_TRAP = 0x1c0;
export const ARM64_RECORD_LIMIT = 0x1c8;
export const ARM64_RECORD_FETCH = 0x1d0;
export const ARM64_RECORD_WEDGED = 0x1d8;
/** A copy of the instruction to step, and the record behind it. */
export const ARM64_RECORD_STEP = 0x1e0;

/** i32: why the next stop returns, where a special record says it. */
export const ARM64_EXIT = 0x1f0;
/** A word whose only use is that an atomic operation on it is a barrier. */
export const ARM64_BARRIER = 0x1f4;

/**
 * u32 each, set by the host before the first run: the block of vCPU 0, which the others
 * follow, and how many there are. What a vCPU does to the others (TLBI of the Inner Shareable
 * domain, SEV) it does to their blocks. 0 of them: there is no other.
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

/** u32: the table of direct maps (arm64-map-table.ts); 0: there is none. */
export const ARM64_MAPS = 0x214;

// Time, set by the host: the counter is ARM64_TIME + (count - ARM64_TIME_COUNT) *
// ARM64_TIME_RATE / 2^32.
export const ARM64_TIME = 0x218;
export const ARM64_TIME_COUNT = 0x220;
export const ARM64_TIME_RATE = 0x228;

// A run between the loops of the interpreter: the record that is next; what makes 8 times
// the instructions of the run with it (u32 each); the flags (lazy-flags.ts: i64, i64, u32);
// ARM64_COUNT at its start (u64). PC of a record: ARM64_PC_OFFSET (u64) + half its address,
// of all records of a page.
export const ARM64_DP = 0x230;
export const ARM64_ACC = 0x234;
export const ARM64_FA = 0x238;
export const ARM64_FB = 0x240;
export const ARM64_FK = 0x248;
export const ARM64_STARTED = 0x250;
export const ARM64_PC_OFFSET = 0x258;
/** The record of what the fast loop leaves to the slow one. */
export const ARM64_RECORD_SLOW = 0x260;

/**
 * u32, shared: not 0 while something wants the vCPU to leave its run at its next limit, as a
 * queue that needs its host.
 */
export const ARM64_EXIT_REQUEST = 0x268;

// Check of the instruction cache: the record page that IC has been executed for (u32; 1:
// several), until the next context synchronization; the last report: PC of the store, of
// the instruction (u64 each), and ARM64_STALE_* (u32).
export const ARM64_IC_PAGE = 0x26c;
export const ARM64_STALE_WHY = 0x274;
export const ARM64_STALE_STORE = 0x278;
export const ARM64_STALE_FETCH = 0x280;

// What is hot, so that it becomes a region (arm64-regions.ts). Set by the host after a reset:
// how many instructions pass from one sample to the next at least, in eighths as in
// ARM64_LIMIT (u32; 0: nothing is sampled), and how many samples make a record hot (u32).
export const ARM64_SAMPLE_EVERY = 0x2c0;
export const ARM64_SAMPLE_THRESHOLD = 0x2c4;
/** u32: what ARM64_LIMIT is while a sample is due before the slice is over, else 0. */
export const ARM64_SAMPLE_LIMIT = 0x2c8;
/** u32: the distance to the next sample; a number from which its variation comes. */
export const ARM64_SAMPLE_DISTANCE = 0x2cc;
export const ARM64_SAMPLE_SEED = 0x2d0;
/** u32: entries of ARM64_HOT_LIST. The host takes them out. */
export const ARM64_HOT_COUNT = 0x2d4;

// Registers that each exception level has, u64 each: ARM64_BANK + EL * ARM64_BANK_STRIDE
// + what follows. The stack pointer of the level in use is in ARM64_SP.
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
 * All other system registers that are storage, u64 each: arm64-registers.ts says which is
 * where.
 */
export const ARM64_REGISTERS = 0x800;

/** Breakpoints and watchpoints of the debug architecture (ID_AA64DFR0_EL1). */
export const ARM64_BREAKPOINTS = 2;
export const ARM64_WATCHPOINTS = 2;

/**
 * Timers, u64 each: compare value and control of the virtual timer and of the physical
 * one.
 */
export const ARM64_CNTV_CVAL = 0xe00;
export const ARM64_CNTV_CTL = 0xe08;
export const ARM64_CNTP_CVAL = 0xe10;
export const ARM64_CNTP_CTL = 0xe18;
/** u64: OS Lock of the debug architecture, 1 while locked. */
export const ARM64_OS_LOCK = 0xe20;
/**
 * u32: what is in the TLBs that a change of TTBR0_EL1 or of the ASID makes wrong: 1
 * entries of EL0, 2 entries of EL1 for the lower half; 4 entries of mappings above 2 MiB,
 * which any invalidation by address may concern; 8 any entry at all.
 */
export const ARM64_TLB_USED = 0xe28;
/**
 * 1024 bits by (VA >> 21): entries of mappings of more than 4 KiB up to 2 MiB are in the
 * TLBs.
 */
export const ARM64_TLB_BLOCKS = 0xe80;
export const ARM64_TLB_BLOCKS_SIZE = 128;

/** The numbers 0 to 31, u64 each: immediate operands that records have as if they were registers. */
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
/** A tag that no page has: nor, in an instruction entry, a misaligned PC, whose low two bits are compared as well. */
export const ARM64_TLB_INVALID = 0x10;
/**
 * In a tag: the page is Device memory and no RAM, and its PA follows (u64). No access hits it
 * in the fast loop, as alignment is to be checked.
 */
export const ARM64_TLB_DEVICE = 2;

/** Samples by record: its address, and how many there were (u32 each). */
export const ARM64_HEAT = 0x30000;
export const ARM64_HEAT_ENTRIES = 4096;
/** Records that are hot: address, and that of the page's first record (u32 each). */
export const ARM64_HOT_LIST = 0x38000;
export const ARM64_HOT_ENTRIES = 64;

// Several vCPUs, each on a thread of its own (docs/internals/arm64-threads.md). Not touched by a reset.

/** u32, set by the host before the first run: not 0 when the vCPUs have threads of their own. */
export const ARM64_THREADED = 0x40000;
/** u32, shared: ARM64_INSIDE and ARM64_MIDWAY. Only the vCPU's thread writes it. */
export const ARM64_PRESENCE = 0x40004;
/** It executes instructions, and what others ask for it does at its next boundary. */
export const ARM64_INSIDE = 1;
/** It is in the middle of an instruction that has asked the host, and has had no boundary since. */
export const ARM64_MIDWAY = 2;
/** u32, shared: not 0 when there may be something in the inboxes. */
export const ARM64_NOTICE = 0x40008;
/** u32 each: it has asked others for something that no DSB has waited for; an IC is among that (shared). */
export const ARM64_POSTED = 0x4000c;
export const ARM64_POSTED_IC = 0x40010;
/** u32, shared: not 0 while the vCPU may store to a direct map; of vCPUs that take turns, that of the first for all. */
export const ARM64_AWAKE = 0x40014;
/** A record that is executed aside from its page, and the one behind it. */
export const ARM64_RECORD_ASIDE = 0x40020;
/** What a record is decoded into before it is published. */
export const ARM64_RECORD_SCRATCH = 0x40030;
/** u64, shared, of vCPU 0's block alone: the latest counter that any vCPU has read. */
export const ARM64_LATEST = 0x40040;
/** i64, shared, of vCPU 0's block alone: the computer's clock in ns when the counter was 0. */
export const ARM64_TIME_ORIGIN = 0x40050;
/** u32, shared, of vCPU 0's block alone: taken by who forgets records, or changes what one says. */
export const ARM64_RECORDS_LOCK = 0x40048;
/** u32 each, shared, of vCPU 0's block alone: the drain sleeps, or is about to; what it sleeps on. */
export const ARM64_DRAIN_SLEEPING = 0x40058;
export const ARM64_DRAIN_WAKE = 0x4005c;
/** Locks of 128-bit operations by address, u32 each, shared, of vCPU 0's block alone. */
export const ARM64_PAIR_LOCKS = 0x40100;
export const ARM64_PAIR_LOCK_COUNT = 64;

// What others ask a vCPU for: an inbox for each of them, by number, the host's behind those of the vCPUs. Requests ever
// made (u32, its writer's), requests done (u32, the vCPU's), then the latest ones, u64 each.
export const ARM64_INBOX = 0x40400;
export const ARM64_INBOX_SIZE = 0x100;
export const ARM64_INBOX_MADE = 0x00;
export const ARM64_INBOX_DONE = 0x04;
export const ARM64_INBOX_REQUESTS = 0x40;
export const ARM64_INBOX_LENGTH = 16;
/** Inbox of the host: there are no more vCPUs. */
export const ARM64_INBOX_HOST = 8;

// A request, in its low bits: to pass a boundary, no more; to forget all translations; those of TTBR0_EL1 and of ASIDs;
// those of the address in the bits from 12 on.
export const ARM64_REQUEST_PASS = 0;
export const ARM64_REQUEST_ALL = 1;
export const ARM64_REQUEST_LOWER = 2;
export const ARM64_REQUEST_ADDRESS = 3;
