// SPDX-License-Identifier: MIT
// The entries that the architecture lets an SMMU keep after this model has dropped them.
// Used by the checked SMMU core alone (docs/sanitizer.md). Offsets in bytes.

/** Start of the part in an SMMU block. */
export const SMMU_AT_SHADOW = 0x1120000;
/** Bytes of the part. */
export const SHADOW_SIZE = 0x40000;

/** Readings of STE and CD, valid or not. StreamID and SubstreamID select the slot. */
export const SHADOW_AT_READINGS = 0x0;
export const READINGS = 256;
export const READING_SIZE = 0x100;
export const READING_STE = 0x00;
export const READING_CD = 0x40;
/** 1 while a thread uses the slot; other threads skip it. */
export const READING_LOCK = 0x80;
export const READING_SID = 0x84;
export const READING_SSID = 0x88;
/** Outcome of the reading: 0 a configuration, an event ID, SUSPECT_ABORTS. */
export const READING_OUTCOME = 0x8c;
/** 1 when the CD was read. */
export const READING_HAS_CD = 0x90;
/** 1 when a change since then has been reported. */
export const READING_REPORTED = 0x94;
/** CFG_SET_GEN of the stream's set, and SMMU_AT_ALL_GEN. */
export const READING_GEN = 0x98;
export const READING_ALL_GEN = 0xa0;
/** 0 in an empty slot. */
export const READING_VALID = 0xa8;

/**
 * Leaves and tables of translations, half of the slots each. VMID, size of the leaf or of
 * the table's range, and address select the set, so that an invalidation by address
 * visits few sets.
 */
export const SHADOW_AT_ENTRIES = 0x10000;
export const SHADOW_ENTRIES = 1024;
export const SHADOW_SETS = 64;
export const SHADOW_WAYS = 8;
export const SHADOW_ENTRY_SIZE = 0x80;
// From 0x00 to 0x2b like TLB_*. Size and page of a table are those of its range.
/** Level of the leaf, or of the descriptor that points to the table. */
export const SHADOW_LEVEL = 0x2c;
/**
 * Address of the descriptor before stage 2, 0 where it is unknown, and its value then.
 */
export const SHADOW_SLOT = 0x30;
export const SHADOW_DESCRIPTOR = 0x38;
/** 1 for a table, which a TLBI with Leaf = 1 need not remove. */
export const SHADOW_IS_TABLE = 0x40;
/** 1 when the entry has been reported. */
export const SHADOW_REPORTED = 0x44;
/** 1 while a thread uses the slot; other threads skip it. */
export const SHADOW_LOCK = 0x48;
/** Number of the bucket that has the slot's bit, + 1; 0 before the slot is used. */
export const SHADOW_BUCKET = 0x4c;
/** log2 of the granule of the entry's tables. */
export const SHADOW_GRANULE = 0x50;

/**
 * Level-1 descriptors of stream tables and CD tables. The range of a descriptor selects
 * the slot.
 */
export const SHADOW_AT_LEVEL1 = 0x30000;
export const LEVEL1_SLOTS = 256;
export const LEVEL1_SIZE = 0x40;
/** 1 while a thread uses the slot; other threads skip it. */
export const LEVEL1_LOCK = 0x00;
/** LEVEL1_OF_*; 0 in an empty slot. */
export const LEVEL1_KIND = 0x04;
export const LEVEL1_OF_STES = 1;
export const LEVEL1_OF_CDS = 2;
/** The stream; for a stream table the first one in the descriptor's range. */
export const LEVEL1_SID = 0x08;
/** The first SubstreamID in the range of a descriptor of CDs. */
export const LEVEL1_SSID = 0x0c;
/** log2 of the number of streams or SubstreamIDs in the range. */
export const LEVEL1_BITS = 0x10;
/** 1 when a change since then has been reported. */
export const LEVEL1_REPORTED = 0x14;
/**
 * Its address before stage 2, its value as an SMMU has read it, and the value last seen.
 */
export const LEVEL1_ADDRESS = 0x18;
export const LEVEL1_VALUE = 0x20;
export const LEVEL1_NOW = 0x28;
/** SMMU_AT_ALL_GEN when it was read. */
export const LEVEL1_ALL_GEN = 0x30;

/** i64: raised by every CFGI, before the descriptors that it names are dropped here. */
export const SHADOW_AT_CFGIS = 0x34000;
/** u64 each: a bit for each size (log2) that leaves, and tables, have had. */
export const SHADOW_AT_SIZES = 0x34008;
/** i64: number of slots that invalidations have visited. */
export const SHADOW_AT_VISITED = 0x34018;
/** u32: the way to replace next in a full set. */
export const SHADOW_AT_VICTIM = 0x34020;
/** Bit maps of the slots, by VMID and ASID: for invalidations that name no address. */
export const SHADOW_AT_BUCKETS = 0x35000;
export const SHADOW_BUCKETS = 64;
export const SHADOW_BUCKET_SIZE = 0x80;

// Targets of an invalidation that visits entries: a range of VAs, a range of IPAs, every
// VA of an ASID, all of stage 2 of a VMID.
export const TLBI_OF_VA = 0;
export const TLBI_OF_IPA = 1;
export const TLBI_OF_ASID = 2;
export const TLBI_OF_STAGE2 = 3;

// Targets of a CFGI: STEs and everything reached through them, one CD, or every CD of a
// stream.
export const CFGI_OF_STE = 0;
export const CFGI_OF_CD = 1;
export const CFGI_OF_CDS = 2;
