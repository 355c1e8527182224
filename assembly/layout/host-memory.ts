// The map of host memory: one shared memory per host, which no guest can reach. Offsets in bytes; all words little-endian.
// docs/architecture.md holds the ownership table (who writes what, under which atomic form).
//
//   0x00000000  header
//   0x00001000  thread blocks, one per thread that translates or drains
//   0x00010000  SMMU blocks, SMMU_STRIDE bytes each
//   (header)    host RAM: window 0 of the physical address map (stream tables, stage-2 tables, host queues)
//   (header)    the trace ring, when there is one
//
// Offsets named THREAD_*, CTX_*, QUEUE_*, TLB_*, CFG_*, VMID_* are inside one block or entry; offsets named SMMU_AT_* are inside an SMMU
// block, of which ats-memory.ts and check-memory.ts have more.

export const HOST_MAGIC = 0x484d5356;
export const HOST_AT_MAGIC = 0x00;
export const HOST_AT_SMMU_COUNT = 0x04;
/** Byte offset of host RAM in host memory. */
export const HOST_AT_RAM_BASE = 0x08;
/** Size of host RAM in bytes; a PA of window 0 is valid below it. */
export const HOST_AT_RAM_SIZE = 0x0c;
/** Number of thread blocks that have ever been used: what CMD_SYNC has to look at. */
export const HOST_AT_THREADS = 0x10;
/** Counting word: raised whenever something needs the host (held error, emulation, unserved doorbell, event record). */
export const HOST_AT_ATTENTION = 0x14;
/** i64, raised by every CMD_SYNC of every SMMU of the host: what tells accesses begun before it from those begun after. */
export const HOST_AT_SYNC_EPOCH = 0x18;
/** What the records of each event carry: one u32 of EVENT_* bits for each ID below EVENT_IDS. Never changes. */
export const HOST_AT_EVENTS = 0x100;
export const EVENT_IDS = 64;
/** Byte offset of the trace ring (trace.ts), 0 while nothing is traced; its units less one; and the index of the next unit, which wraps. */
export const HOST_AT_TRACE = 0x20;
export const HOST_AT_TRACE_MASK = 0x24;
export const HOST_AT_TRACE_NEXT = 0x28;
/** What the sequence words of the trace ring are raised by: random. */
export const HOST_AT_TRACE_SALT = 0x2c;
/** Raised when the reader of the trace has looked at the clock: whatever burst of records was under way ends. */
export const HOST_AT_TRACE_MARKS = 0x38;
/** f64, origin of the host's clock (performance.timeOrigin of the thread that made this memory). */
export const HOST_AT_EPOCH = 0x30;
/** One word for each of 64 windows: the VMID that the vCPUs of its VM run under now; 0 while none of them runs. */
export const HOST_AT_VCPU_VMIDS = 0x200;

// Thread block: private to one thread, but for its in-flight word.
export const HOST_THREADS = 0x1000;
export const THREAD_STRIDE = 0x200;
export const MAX_THREADS = 64;
/** i64: 0 when no access is in flight, else 1 + the sync epoch in which the access began. */
export const THREAD_IN_FLIGHT = 0x00;
/** f64: when this thread last read the clock for the trace. */
export const THREAD_TRACE_TIME = 0x08;
/** Records still to come without a time in bits [7:0], how many there were in [15:8], HOST_AT_TRACE_MARKS at that time in [31:16]. */
export const THREAD_TRACE_BURST = 0x1c;
/** A doorbell (TRACE_DOORBELL) that is not in the trace yet, or 0. */
export const THREAD_TRACE_DOORBELL = 0x1dc;
// Result of the last translation.
/** PA of the translated byte: low word (address in its window), high word (window). */
export const THREAD_PA = 0x10;
/** log2 of the size in bytes of the translation used: the access must not leave that block. */
export const THREAD_PA_SIZE = 0x18;
/** Event record of the last fault, 32 bytes; word 0 is 0 when the fault has no record. */
export const THREAD_EVENT = 0x20;
/** Scratch for one STE or CD, 64 bytes each. */
export const THREAD_STE = 0x40;
export const THREAD_CD = 0x80;
/** Scratch for one configuration-cache entry, CFG_ENTRY_SIZE bytes. */
export const THREAD_CFG = 0xc0;
/** Scratch of the walker, 64 bytes. */
export const THREAD_WALK = 0x140;
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
/** i64: generation of the configuration-cache set when the configuration in use was read. */
export const THREAD_CFG_GEN = 0x1c0;
// The access being translated: StreamID, SubstreamID (CFG_NO_SSID for none), u64 iova, ACCESS_* attributes.
export const THREAD_SID = 0x1c8;
export const THREAD_SSID = 0x1cc;
export const THREAD_IOVA = 0x1d0;
export const THREAD_ATTRIBUTES = 0x1d8;
/** Scratch of the walker for updates of descriptors, 32 bytes. */
export const THREAD_UPDATE = 0x1e0;

// SMMU blocks.
export const HOST_SMMUS = 0x10000;
export const SMMU_STRIDE = 0x1200000;

// Registers of the physical SMMU that translation needs, as its device model last published them.
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
/** u64 PA of the event queue, then log2 of its entries, PROD (with OVFLG), CONS (with OVACKFLG). */
export const SMMU_AT_EVTQ_BASE = 0x28;
export const SMMU_AT_EVTQ_LOG2SIZE = 0x30;
export const SMMU_AT_EVTQ_PROD = 0x34;
export const SMMU_AT_EVTQ_CONS = 0x38;
/** Ownership word of the event queue's producer side: 0 free, else thread + 1. */
export const SMMU_AT_EVTQ_OWNER = 0x3c;
/**
 * 0, or EVTQ_ABORTED when an event record could not be written; the device model makes that EVTQ_ABORT_ACTIVE when it has raised
 * GERROR.EVTQ_ABT_ERR, and 0 when software has acknowledged it. No record is written while it is not 0.
 */
export const SMMU_AT_EVTQ_ABORT = 0x40;
export const EVTQ_ABORTED = 1;
export const EVTQ_ABORT_ACTIVE = 2;
/** Number of queues parked at a CMD_SYNC. */
export const SMMU_AT_PARKED = 0x44;
/** i64, raised by TLBI_NSNH_ALL: an entry of an older generation is dead whatever its VMID. */
export const SMMU_AT_ALL_GEN = 0x50;
/** Number of VCMDQs, and of VCMDQs in each VINTF. */
export const SMMU_AT_NUM_VCMDQ = 0x58;
export const SMMU_AT_NUM_LVCMDQ = 0x5c;
/** CMDQV CONFIG.EN as last published: 0 stops every VCMDQ. */
export const SMMU_AT_CMDQV_EN = 0x60;
/** Bit of SMMU_AT_CR0 that is not of the register: a fault is planted. */
export const SMMU_CR0_PLANTED = (0 << 16) | (31 << 8) | 1;
/** The planted fault (PhysicalSmmu.plantFault): its event, its StreamID, and how many transactions it still hits. */
export const SMMU_AT_PLANTED_EVENT = 0xf0;
export const SMMU_AT_PLANTED_SID = 0xf4;
export const SMMU_AT_PLANTED_LEFT = 0xf8;
/** Number of entries of the table of stalled transactions that are not free. */
export const SMMU_AT_STALLED = 0x80;

// i32 counters of the SMMU (atomic adds; error paths and rare commands only, so that no hot path pays for them).
export const SMMU_AT_STATS = 0x1000;
export const STAT_ILL_OPCODE = 0x00;
export const STAT_ILL_SSEC = 0x04;
export const STAT_ILL_CS = 0x08;
export const STAT_ILL_SID = 0x0c;
export const STAT_FETCH_ABORT = 0x10;
export const STAT_INIT_ERROR = 0x14;
/** Writes by the guest to read-only words of page 0 that were put right. */
export const STAT_REPAIRS = 0x18;
/** PROD more than a whole queue ahead of CONS. */
export const STAT_PROD_RANGE = 0x1c;
export const STAT_PARKS = 0x20;
export const STAT_ROUNDS_EXHAUSTED = 0x24;
export const STAT_BUDGET_EXHAUSTED = 0x28;
export const STAT_EVTQ_OVERFLOW = 0x2c;
export const STAT_EVTQ_ABORT = 0x30;
export const STAT_ERROR_HELD = 0x34;
export const STAT_ERROR_PUBLISHED = 0x38;
export const STAT_ERROR_SKIPPED = 0x3c;
export const STAT_ATC_INV = 0x40;
export const STAT_CFGI = 0x44;
/** MSIs that the drain has written for a CMD_SYNC. */
export const STAT_MSIS = 0x48;
export const STAT_ILL_RANGE = 0x4c;
/** Records that another one stands for (STE.MEV). */
export const STAT_EVENTS_MERGED = 0x50;
/** CMD_SYNCs that ended with CERROR_ATC_INV_SYNC. */
export const STAT_ATC_TIMEOUT = 0x54;
export const STAT_ATS_REQUESTS = 0x58;
export const STAT_PAGE_REQUESTS = 0x5c;
/** Page requests that the SMMU has answered itself. */
export const STAT_PRI_AUTO = 0x60;
/** A PRI_RESP with a reserved response. */
export const STAT_ILL_RESPONSE = 0x64;
/** One i32 per event ID: events that are to be recorded. */
export const STAT_EVENTS = 0x100;

/**
 * Legality and dispatch: one 256-byte table per queue kind, indexed by opcode. An entry is an ACTION_*; the codes are dense, so that
 * the drain's switch becomes a jump table.
 */
export const SMMU_AT_ACTIONS = 0x2000;
export const ACTIONS_STRIDE = 0x100;
export const ACTION_ILLEGAL = 0;
export const ACTION_SYNC = 1;
export const ACTION_TLBI_NH_ALL = 2;
export const ACTION_TLBI_NH_ASID = 3;
export const ACTION_TLBI_NH_VA = 4;
export const ACTION_TLBI_NH_VAA = 5;
export const ACTION_TLBI_S12_VMALL = 6;
export const ACTION_TLBI_S2_IPA = 7;
export const ACTION_TLBI_NSNH_ALL = 8;
export const ACTION_CFGI_STE = 9;
export const ACTION_CFGI_STE_RANGE = 10;
export const ACTION_CFGI_CD = 11;
export const ACTION_CFGI_CD_ALL = 12;
export const ACTION_ATC_INV = 13;
/** Legal and without effect on this model (PREFETCH_*). */
export const ACTION_NONE = 14;
/** The host carries the command out (a trapped CMDQ's CFGI_* and PREFETCH_*). */
export const ACTION_HOST = 15;
export const ACTION_RESUME = 16;
export const ACTION_STALL_TERM = 17;
export const ACTION_PRI_RESP = 18;

/*
 * Command contexts: on whose behalf a queue's commands act. Context v < 64 is VINTF v; context 64 + n belongs to a vIOMMU; the last one is
 * the host's own, which QUEUE_MAIN uses.
 */
export const SMMU_AT_CONTEXTS = 0x3000;
export const CTX_STRIDE = 0x200;
export const MAX_CONTEXTS = 128;
/** VMID and StreamID are taken as written (HYP_OWN), and no VINTF is behind it. */
export const CTX_HOST = 127;
/** VINTF enabled (CONFIG.EN). */
export const CTX_ENABLED = 0x00;
/** 1: VMID and StreamID are taken as written; 0: they are substituted. */
export const CTX_HYP_OWN = 0x04;
export const CTX_VMID = 0x08;
/** Window of the physical address map that the owner's memory is; 0 is the host itself. */
export const CTX_WINDOW = 0x0c;
/** Guest-memory offset of the directly mapped page 0, or 0 when it is not mapped. */
export const CTX_PAGE0 = 0x10;
/** Number of LVCMDQ slots that the context has. */
export const CTX_LVCMDQ_COUNT = 0x18;
/** i32: doorbell calls (Wasm to Wasm) made by the owner. */
export const CTX_DOORBELL_CALLS = 0x1c;
/** 16 words each, laid out as the VINTF registers SID_MATCH and SID_REPLACE. */
export const CTX_SID_MATCH = 0x40;
export const CTX_SID_REPLACE = 0x80;
/**
 * u16 per LVCMDQ: queue block index + 1, 0 where CMDQ_ALLOC binds no VCMDQ. In the context of a vIOMMU slot 0 is its CMDQ (the overlay path),
 * slot 1 and up are its ECMDQs.
 */
export const CTX_LVCMDQ_MAP = 0x100;

/*
 * Queue blocks. Blocks 0 to 127 are the VCMDQs, QUEUE_MAIN the SMMU's own CMDQ, QUEUE_GUEST + n the trapped CMDQ of a vIOMMU,
 * QUEUE_ECMDQ and up the enhanced command queues.
 */
export const SMMU_AT_QUEUES = 0xc0000;
export const QUEUE_STRIDE = 0x80;
export const MAX_QUEUES = 512;
export const QUEUE_MAIN = 128;
export const QUEUE_GUEST = 129;
/** ECMDQs, ECMDQS_PER_SMMU for each owner: first the SMMU's own, then those of vIOMMU 0 and up. */
export const QUEUE_ECMDQ = 193;
export const ECMDQS_PER_SMMU = 4;
/** Counting ownership word: who raises it from 0 owns the queue. */
export const QUEUE_OWNERS = 0x00;
/** Thread of the owner, + 1; 0 when nobody owns the queue. */
export const QUEUE_OWNER_THREAD = 0x04;
/** QUEUE_KIND_*: selects the action table and how CMD_SYNC and page 0 behave. */
export const QUEUE_KIND = 0x08;
export const QUEUE_KIND_MAIN = 0;
export const QUEUE_KIND_VCMDQ_GUEST = 1;
export const QUEUE_KIND_VCMDQ_HYP = 2;
export const QUEUE_KIND_GUEST_CMDQ = 3;
/** A guest's CMDQ whose PROD and CONS the guest has mapped (the overlay path). */
export const QUEUE_KIND_OVERLAY = 4;
/** A guest's ECMDQ whose PROD and CONS the guest has mapped. One whose registers trap is a QUEUE_KIND_GUEST_CMDQ. */
export const QUEUE_KIND_ECMDQ = 5;
export const QUEUE_KINDS = 6;
/** Index of the command context. */
export const QUEUE_CTX = 0x0c;
/** Index of the queue inside its VINTF: its slot in page 0. */
export const QUEUE_LVCMDQ = 0x64;
/** 1 when the queue may run: CMDQ_ALLOC.ALLOCATED for a VCMDQ, CR0.CMDQEN for a CMDQ. */
export const QUEUE_ALLOCATED = 0x10;
/** 1 after the drain has accepted CONFIG.EN: the private truth behind STATUS.ENABLED. QUEUE_KIND_ECMDQ: ENACK, where CONS has it. */
export const QUEUE_ENABLED = 0x14;
export const QUEUE_LOG2SIZE = 0x18;
/** Where the ring lies: 0 host memory, else the window of the guest memory. */
export const QUEUE_RING_WINDOW = 0x1c;
/** Byte offset of the ring in that memory; 0 when there is no valid ring. */
export const QUEUE_RING = 0x20;
/** Byte offset in host memory of the page-0 registers while they are not mapped into a guest. */
export const QUEUE_REGS = 0x24;
/** Private CONS (index and wrap bit). */
export const QUEUE_CONS = 0x28;
/** Error code of a held or published error, 0 when there is none. */
export const QUEUE_ERR = 0x2c;
/** QUEUE_STATE_*. */
export const QUEUE_STATE = 0x30;
export const QUEUE_RUNNING = 0;
/** At a CMD_SYNC that waits for accesses in flight. */
export const QUEUE_PARKED = 1;
/** Stopped at a bad command; the host's policy has not spoken yet, nothing is published. */
export const QUEUE_ERROR_HELD = 2;
/** The error is published; the queue resumes when GERRORN equals GERROR. */
export const QUEUE_ERROR_PUBLISHED = 3;
/** Stopped at a command that only the host can carry out (trapped CMDQ). */
export const QUEUE_NEEDS_HOST = 4;
/** Private GERROR. QUEUE_KIND_ECMDQ: ERR and ERR_REASON, where CONS has them. */
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
/** i64 each: doublewords of the CMD_SYNC that the queue is parked at, as they were read. */
export const QUEUE_PARKED_D0 = 0x68;
export const QUEUE_PARKED_D1 = 0x70;
/** Bits of an address that a CMD_SYNC's MSI goes to (IDR5.OAS); 0 when the SMMU has no MSIs (IDR0.MSI). */
export const QUEUE_MSI_BITS = 0x78;
/** QUEUE_KIND_OVERLAY, QUEUE_KIND_ECMDQ: guest-memory offset of PROD, which CONS follows; 0 while the registers trap. */
export const QUEUE_OVERLAY = 0x7c;

/** Host-private page-0 registers of every queue block, VCMDQ_STRIDE bytes each, laid out as a VCMDQ's page 0. */
export const SMMU_AT_REGS = 0xd0000;

// Configuration cache: sets of ways, selected by the low bits of the StreamID.
export const SMMU_AT_CFG_SETS = 0x24000;
export const CFG_SETS = 64;
export const CFG_WAYS = 8;
/** Set header: sequence word, then i64 generation. */
export const CFG_SET_STRIDE = 0x10;
export const CFG_SET_SEQ = 0x00;
export const CFG_SET_VICTIM = 0x04;
export const CFG_SET_GEN = 0x08;
export const SMMU_AT_CFG_ENTRIES = 0x30000;
export const CFG_ENTRY_SIZE = 0x80;
/** 0 free, else 1. */
export const CFG_VALID = 0x00;
export const CFG_SID = 0x04;
/** SubstreamID, or CFG_NO_SSID. */
export const CFG_SSID = 0x08;
export const CFG_NO_SSID = 0xffffffff;
/** STE.Config after S1DSS has been applied: 4 bypass, 5, 6, 7. */
export const CFG_CONFIG = 0x0c;
export const CFG_VMID = 0x10;
export const CFG_ASID = 0x14;
/** CD word 0 (T0SZ, TG0, EPD0, T1SZ, TG1, EPD1) and word 1 (IPS, AFFD, TBI, R, A) as read. */
export const CFG_CD0 = 0x18;
export const CFG_CD1 = 0x1c;
/** u64 each, address bits only. */
export const CFG_TTB0 = 0x20;
export const CFG_TTB1 = 0x28;
export const CFG_S2TTB = 0x30;
/** STE word 5 (S2T0SZ to S2R) as read. */
export const CFG_STE5 = 0x38;
/** STE word 2 (EATS, STRW, MEV) as read. */
export const CFG_STE2 = 0x3c;
/** HAD0 and HAD1, bits 0 and 1. */
export const CFG_HAD = 0x40;
/** CFG_DS_* bits; 0 without IDR5.DS. */
export const CFG_DS = 0x44;
export const CFG_DS_STAGE1 = 1;
export const CFG_DS_STAGE2 = 2;
/** STE.S2SL0_2 in its place above S2SL0. */
export const CFG_DS_S2SL0_2 = 4;
/** Bytes of an entry that are in use, a multiple of 8. */
export const CFG_USED = 0x48;

// IOTLB: set-associative; a set's sequence word guards its ways.
export const SMMU_AT_TLB_SEQ = 0x40000;
export const TLB_SETS = 1024;
export const TLB_WAYS = 4;
/** Sequence word, replacement counter and tags of a set. */
export const TLB_SET_STRIDE = 0x20;
/**
 * Sequence word, of this and of the configuration cache: bit 0 an inserter has the set, bit 1 an invalidation passed meanwhile,
 * bits 2 to 7 the inserter's thread; counts in steps of SEQ_STEP. A reader that sees bit 0, or a change, has a miss.
 */
export const SEQ_BUSY = 1;
export const SEQ_KILLED = 2;
export const SEQ_THREAD_SHIFT = 2;
export const SEQ_STEP = 0x100;
export const TLB_SET_SEQ = 0;
export const TLB_SET_VICTIM = 4;
/**
 * One word for each way: a hash of what its entry is tagged with, so that a lookup or an invalidation of an address touches only entries
 * that are likely to match. Says nothing about whether the entry is live.
 */
export const TLB_SET_TAGS = 0x10;
export const SMMU_AT_TLB = 0x80000;
export const TLB_ENTRY_SIZE = 0x40;
/** One word that makes an entry live; an invalidation stores 0 to it. Fields TLB_META_*. */
export const TLB_META = 0x00;
export const TLB_META_VMID = (0 << 16) | (0 << 8) | 16;
/** log2 of the entry's size in bytes. */
export const TLB_META_SIZE = (0 << 16) | (16 << 8) | 6;
export const TLB_META_GLOBAL = (0 << 16) | (22 << 8) | 1;
/** 0 stage 1 or nested (input is a VA), 1 stage 2 only (input is an IPA). */
export const TLB_META_S2 = (0 << 16) | (23 << 8) | 1;
export const TLB_META_VALID = (0 << 16) | (31 << 8) | 1;
/**
 * ASID in bits 0 to 15, TLB_PERM_* in bits 16 and up; among them TLB_ASET, no permission but CD.ASET: the ASID is the SMMU's own, and TLB
 * maintenance of processors by ASID does not mean the entry.
 */
export const TLB_ASID_PERM = 0x04;
export const TLB_PERM_R = 0x10000;
export const TLB_PERM_W = 0x20000;
/** Unprivileged access allowed. */
export const TLB_PERM_UNPRIV = 0x40000;
/** Privileged and unprivileged instruction fetch allowed. */
export const TLB_PERM_PX = 0x80000;
export const TLB_PERM_UX = 0x100000;
export const TLB_ASET = 0x200000;
/** u64 input address >> log2 size. */
export const TLB_PAGE = 0x08;
/** u64 PA of the block. */
export const TLB_PA = 0x10;
/** i64 VMID generation and i64 TLBI_NSNH_ALL generation that were sampled before the walk. */
export const TLB_GEN = 0x18;
export const TLB_ALL_GEN = 0x20;

/*
 * Stalled transactions: one 64-bit word each, so that a command and an endpoint can only meet in a whole one. Bits 0 to 15 the STAG (its low
 * bits are the entry's index, the rest count uses of the entry), bits 16 to 19 STALL_*, bits 32 to 63 the physical StreamID.
 */
export const SMMU_AT_STALLS = 0xe0000;
/** Entries of the table, a power of two: the largest IDR5.STALL_MAX. */
export const MAX_STALLS = 1024;
export const STALL_SIZE = 8;
export const STALL_STATE_SHIFT = 16;
export const STALL_FREE = 0;
/** Waits for CMD_RESUME or CMD_STALL_TERM. */
export const STALL_WAITING = 1;
// Answered; the endpoint has not seen it yet.
export const STALL_RETRY = 2;
export const STALL_ABORT = 3;
export const STALL_RAZWI = 4;
/** Its endpoint has given it up; software has not answered yet. */
export const STALL_ABANDONED = 5;

/** What the sanitizer keeps (assembly/layout/check-memory.ts), at the end of the block. */
export const SMMU_AT_CHECK = 0x1180000;

// VMID table: the generations that make invalidation by VMID or ASID O(1).
export const SMMU_AT_VMIDS = 0x100000;
export const VMID_STRIDE = 0x100;
export const MAX_VMIDS = 0x10000;
/** i64, raised by every invalidation that touches this VMID. */
export const VMID_ANY_GEN = 0x00;
/** i64, ANY_GEN at the last invalidation of everything. */
export const VMID_ALL_GEN = 0x08;
/** Sizes of the entries ever inserted: u64, bit n for 2^n bytes. */
export const VMID_SIZES = 0x10;
/** i32, 1 once an entry smaller than its stage-1 leaf was inserted: a TLBI by address then takes the whole ASID. */
export const VMID_FRACTURED = 0x18;
/** i64 each: ANY_GEN at the last invalidation of an ASID that hashes here. */
export const VMID_ASID_GEN = 0x80;
export const VMID_ASID_SLOTS = 16;
