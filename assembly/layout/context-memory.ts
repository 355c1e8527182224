// SPDX-License-Identifier: MIT
// Command contexts in an SMMU block: a queue's commands act on behalf of a context.
// Context v < 64 is VINTF v; context 64 + n belongs to a vIOMMU; the last one is the
// host's own, which QUEUE_MAIN uses. Offsets in bytes, named CTX_* inside one context.

export const SMMU_AT_CONTEXTS = 0x3000;
export const CTX_STRIDE = 0x200;
export const MAX_CONTEXTS = 128;
/**
 * The host's context: VMID and StreamID are used as written (HYP_OWN), and it belongs to
 * no VINTF.
 */
export const CTX_HOST = 127;
/** vIOMMUs of an SMMU: their contexts are between those of VINTFs and the host's. */
export const MAX_VIOMMUS = 63;
/** VINTF enabled (CONFIG.EN). */
export const CTX_ENABLED = 0x00;
/** 1: VMID and StreamID are used as written; 0: they are substituted. */
export const CTX_HYP_OWN = 0x04;
export const CTX_VMID = 0x08;
/** Window of the owner's memory in the physical address map; 0 is the host itself. */
export const CTX_WINDOW = 0x0c;
/** Guest-memory offset of the directly mapped page 0, or 0 when it is not mapped. */
export const CTX_PAGE0 = 0x10;
/**
 * i32: 1 while CR0.SMMUEN of the guest's own SMMU is 0; in the context of a vIOMMU only.
 */
export const CTX_SMMU_OFF = 0x14;
/** Number of LVCMDQ slots of the context. */
export const CTX_LVCMDQ_COUNT = 0x18;
/** i32: doorbell calls (Wasm to Wasm) made by the owner. */
export const CTX_DOORBELL_CALLS = 0x1c;
/**
 * The commands that the guest's own SMMU lacks by its ID registers: bit n is ACTION_n,
 * LACKS_RANGES. On its CMDQ and ECMDQs such a command is refused, and ranges are ignored;
 * on a VCMDQ, with LACKS_RECORDED, it is only recorded.
 */
export const CTX_LACKS = 0x20;
/** IDR3.RIL: NUM, SCALE, TG and TTL of a TLBI. */
export const LACKS_RANGES = (0 << 16) | (31 << 8) | 1;
export const LACKS_RECORDED = (0 << 16) | (30 << 8) | 1;
/** i32: the bits of CTX_LACKS that commands on VCMDQs have used. */
export const CTX_BEYOND = 0x24;
/**
 * i32 each: the SHOWN_* fields of which the guest's CDs, and its translation tables, use
 * more than its own SMMU shows. Maintained by the checked SMMU core alone.
 */
export const CTX_BEYOND_CDS = 0x28;
export const CTX_BEYOND_TABLES = 0x2c;
/**
 * Byte offset in host memory of a vIOMMU's table of further StreamIDs, and the number of
 * its entries that may be in use; 0 for a VINTF, which has only its 16 pairs.
 */
export const CTX_STREAMS = 0x30;
export const CTX_STREAM_COUNT = 0x34;
/**
 * LVCMDQ slot at which the next pass over all queues of the context begins, as a pass
 * ends within a bound of work. Written by any thread that makes a pass; a slot that the
 * context does not have means slot 0.
 */
export const CTX_NEXT_SLOT = 0x3c;
/** 16 words each, in the layout of the VINTF registers SID_MATCH and SID_REPLACE. */
export const CTX_SID_MATCH = 0x40;
export const CTX_SID_REPLACE = 0x80;
/**
 * The ID registers of the guest's own SMMU, in the layout of SMMU_AT_IDR0 to
 * SMMU_AT_IDR5; IDR0 is 0 until they are known. In the context of a vIOMMU only.
 */
export const CTX_SHOWN = 0xc0;
export const SHOWN_SIZE = 16;
/**
 * StreamIDs of vIOMMUs that have more than the pairs can hold, or longer ones: a table of
 * MAX_STREAMS entries for each vIOMMU, {the guest's StreamID, the physical one + 1 or 0
 * for none}.
 */
export const SMMU_AT_STREAMS = 0x1160000;
export const MAX_STREAMS = 256;
export const STREAM_ENTRY_SIZE = 8;

/**
 * u16 per LVCMDQ: queue block index + 1, 0 where CMDQ_ALLOC binds no VCMDQ. In the
 * context of a vIOMMU slot 0 is its CMDQ (the overlay path), slot 1 and up are its
 * ECMDQs.
 */
export const CTX_LVCMDQ_MAP = 0x100;
