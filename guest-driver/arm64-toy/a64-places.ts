// SPDX-License-Identifier: MIT
// Addresses of the arm64 toy: devices of the board `virt`, and its data in RAM.

export const UART = 0x09000000;
export const SMMU = 0x09050000;
export const DMA = 0x09200000;
export const CMDQV = 0x0b000000;
export const GICD = 0x08000000;
export const GITS = 0x08080000;
export const GICR = 0x080a0000;
/** GITS_TRANSLATER's page. */
export const DOORBELL = 0x08090000;
/** The first device in addition to the board's own. */
export const CHECKPOINT = 0x0c000000;

/** StreamID of the DMA engine, and DeviceID of its messages. */
export const STREAM = 8;
/** DeviceID of the SMMU's own. */
export const SMMU_DEVICE = 0xffff;
/** INTID of the CMDQV. */
export const CMDQV_INTID = 32 + 78;
/** LPIs: the event queue's, that of GERROR, the DMA engine's. */
export const EVENT_LPI = 8192;
export const ERROR_LPI = 8193;
export const DMA_LPI = 8194;

// RAM, which is initially zero.
/** Where the stack of the first vCPU begins, downwards, and the bytes of each vCPU. */
export const STACK = 0x40200000;
export const STACK_BYTES = 0x1000;
export const CPU_TABLE = 0x40210000;
export const STREAM_TABLE = 0x40220000;
export const CONTEXT = 0x40230000;
/** Two CDs, the second one for the PASID. */
export const PASID_CONTEXTS = 0x40231000;
/** Stage 1: the table of level 1, then those of level 2 and of level 3. */
export const TABLES = 0x40240000;
/** The tables of the PASID, one of each level. */
export const PASID_TABLES = 0x40258000;
export const VARIABLES = 0x40260000;
/** The detail of a check. */
export const DETAIL = 0x40270000;
export const SOURCE = 0x40300000;
export const TARGET = 0x40310000;
export const LIVE = 0x40320000;
export const SCRATCH = 0x40330000;
/** The page of the PASID at SOURCE_IOVA. */
export const PASID_PAGE = 0x40338000;
export const CMDQ_RING = 0x40340000;
export const EVENT_RING = 0x40350000;
export const ITS_QUEUE = 0x40400000;
export const ITS_COLLECTIONS = 0x40420000;
export const ITS_EVENTS = 0x40430000;
/** 512 KiB. */
export const ITS_DEVICES = 0x40480000;
export const LPI_PROPERTIES = 0x40500000;
export const LPI_PENDING = 0x40510000;
/** The rings of all VCMDQs. */
export const VCMDQ_RINGS = 0x40600000;

// Variables, at offsets of VARIABLES: queues of ring, PROD and CONS addresses (u64) and
// PROD (u32), and words.
export const CMDQ_QUEUE = 0x00;
/** Number of VCMDQs of VINTF 0. */
export const VCMDQS = 0x20;
/** Number of event records removed from the queue. */
export const EVENTS = 0x40;
/** Errors of the VCMDQ, the last one's code and its command's opcode. */
export const ERRORS = 0x44;
export const LAST_ERROR = 0x48;
export const LAST_OPCODE = 0x4c;
/** Messages of the DMA engine. */
export const DMA_MESSAGES = 0x50;
export const CHECKS = 0x54;
export const FAILURES = 0x58;
/** Number of batches of the measurement that did not complete. */
export const FAILED_BATCHES = 0x5c;
/**
 * The turns of parallel vCPUs: number, batch size, ready vCPUs, the turn that has begun,
 * vCPUs that are done.
 */
export const PARALLEL_TURN = 0x60;
export const PARALLEL_SIZE = 0x64;
export const PARALLEL_READY = 0x68;
export const PARALLEL_START = 0x6c;
export const PARALLEL_DONE = 0x70;
/** Most looks while waiting for an interrupt or a queue. */
export const PATIENCE = 0x74;
/** Its value after a wait has ended without success. */
export const SHORT_PATIENCE = 1000;
/** The VCMDQs of VINTF 0. A CMDQV with a second VINTF, the host's, has no more for it. */
export const VCMDQ_QUEUE = 0x100;
export const QUEUE_BYTES = 0x20;
export const MAX_VCMDQS = 64;
/** A lock for each VCMDQ, in separate cache lines. */
export const LOCKS = 0xa00;

// iovas, of 39 bits.
export const SOURCE_IOVA = 0x1_0000_0000;
export const TARGET_IOVA = 0x1_4000_0000;
export const LIVE_IOVA = 0x1_8000_0000;
export const DOORBELL_IOVA = 0x1_c000_0000;
export const SCRATCH_IOVA = 0x7f_0000_0000;

/** log2 of the entries of each queue. */
export const QUEUE_LOG2 = 8;
/** Index bits of PROD and CONS: those of an entry, and the wrap bit. */
export const INDEX_MASK = 2 ** (QUEUE_LOG2 + 1) - 1;
export const ASID = 1;
/** The PASID, and the ASID of its address space. */
export const PASID = 1;
export const PASID_ASID = 0x50;
