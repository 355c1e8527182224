// SPDX-License-Identifier: MIT
// Register map of the DMA engine: a bus master with one StreamID. All registers are
// 32-bit; addresses are iova.

/** Bytes of the register region. */
export const DMA_REGION_SIZE = 0x1000;
/** Reads DMA_ID_VALUE. */
export const DMA_ID = 0x00;
/** "DMA1". */
export const DMA_ID_VALUE = 0x31414d44; // "DMA1"
/**
 * Operation: a write starts it, and aborts one that is in progress. It is complete when
 * the write returns, unless the SMMU stalls one of its accesses (DMA_STATUS_STALLED) or
 * it is longer than DMA_STEP_LENGTH (DMA_STATUS_BUSY). Reads the last operation.
 */
export const DMA_CTRL = 0x04;
/** DMA_STATUS_*: the result of the last operation, or that it is in progress. */
export const DMA_STATUS = 0x08;
/** Bytes of the operation, 1 to DMA_MAX_LENGTH. */
export const DMA_LENGTH = 0x0c;
/** u64 source iova. */
export const DMA_SRC = 0x10;
/** u64 destination iova. */
export const DMA_DST = 0x18;
/** 32-bit pattern of FILL and VERIFY. */
export const DMA_PATTERN = 0x20;
/** Bytes processed before the operation ended. */
export const DMA_DONE = 0x24;
/** u64 iova of the access that failed. */
export const DMA_FAULT_ADDR = 0x28;
/** StreamID that the SMMU sees, in the guest's numbering. */
export const DMA_STREAM = 0x30;
/** 1: pulse the interrupt at the end of each operation. */
export const DMA_IRQ_ENABLE = 0x34;
/**
 * PCIe's ATS and PRI: DMA_ATS_ENABLE; DMA_ATS_PAGES, which requests pages that the engine
 * is denied (DMA_STATUS_STALLED meanwhile); DMA_ATS_SILENT, which leaves invalidation
 * requests unanswered. A write empties the ATC. Reads the mode in effect, which is the
 * one that the SMMU has accepted.
 */
export const DMA_ATS = 0x38;
/** In DMA_ATS: the engine has an ATC. */
export const DMA_ATS_ENABLE = 1;
/** In DMA_ATS: invalidation requests go unanswered. */
export const DMA_ATS_SILENT = 2;
/** In DMA_ATS: the engine requests pages that it is denied. */
export const DMA_ATS_PAGES = 4;

/**
 * Attributes of an operation's accesses: DMA_PASID_VALUE where DMA_PASID_VALID is set,
 * DMA_PASID_PRIVILEGED, DMA_PASID_INSTRUCTION, with which reads fetch instructions, and
 * DMA_PASID_ATOMIC, with which writes are atomic operations. Read when the operation
 * starts.
 */
export const DMA_PASID = 0x3c;
/** In DMA_PASID: the SubstreamID. */
export const DMA_PASID_VALUE = (0 << 16) | (0 << 8) | 20;
/** In DMA_PASID: writes are atomic operations, which no SMMU here supports. */
export const DMA_PASID_ATOMIC = 0x10000000;
/** In DMA_PASID: reads fetch instructions. */
export const DMA_PASID_INSTRUCTION = 0x20000000;
/** In DMA_PASID: accesses are privileged. */
export const DMA_PASID_PRIVILEGED = 0x40000000;
/** In DMA_PASID: accesses carry the SubstreamID. */
export const DMA_PASID_VALID = 0x80000000;

/** DMA_CTRL: aborts the operation in progress. */
export const DMA_OP_NONE = 0;
/** DST := SRC. */
export const DMA_OP_COPY = 1;
/** DST := PATTERN, repeated. */
export const DMA_OP_FILL = 2;
/** Compare SRC with PATTERN, repeated. */
export const DMA_OP_VERIFY = 3;
/**
 * Tells the SMMU which addresses COPY would access, and accesses nothing. Lost where the
 * SMMU takes no such hints.
 */
export const DMA_OP_HINT = 4;

/** No operation yet. */
export const DMA_STATUS_IDLE = 0;
/** Complete. */
export const DMA_STATUS_DONE = 1;
/** A read was refused at DMA_FAULT_ADDR. */
export const DMA_STATUS_READ_FAULT = 2;
/** A write was refused at DMA_FAULT_ADDR. */
export const DMA_STATUS_WRITE_FAULT = 3;
/** VERIFY has found different bytes; DMA_DONE is their position. */
export const DMA_STATUS_MISMATCH = 4;
/** DMA_CTRL has no operation of that number. */
export const DMA_STATUS_BAD_OP = 5;
/** LENGTH of 0, above DMA_MAX_LENGTH, or not a multiple of 4 for FILL and VERIFY. */
export const DMA_STATUS_BAD_LENGTH = 6;
/**
 * In progress: the SMMU has stalled an access, or the operation waits for a page.
 * FAULT_ADDR is its iova.
 */
export const DMA_STATUS_STALLED = 7;
/** In progress: the engine continues at its next turn. DONE is the progress so far. */
export const DMA_STATUS_BUSY = 8;
/** Most bytes of an operation. */
export const DMA_MAX_LENGTH = 0x100000;
/** Bytes in one turn of the engine. */
export const DMA_STEP_LENGTH = 0x8000;
