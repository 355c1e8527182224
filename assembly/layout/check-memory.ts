// SPDX-License-Identifier: MIT
// The sanitizer's part of an SMMU block, from SMMU_AT_CHECK on (smmu-memory.ts). Used by
// the checked SMMU core alone (docs/sanitizer.md). Offsets in bytes.

/** Start of the part in an SMMU block: at its end. */
export const SMMU_AT_CHECK = 0x1180000;
/** Bytes of the part. */
export const CHECK_SIZE = 0x80000;

// i32 each: suspects put into the ring, suspects lost because it was full, hits compared,
// verdicts dropped because the entry was replaced in the meantime.
export const CHECK_AT_SUSPECTS = 0x00;
export const CHECK_AT_LOST = 0x04;
export const CHECK_AT_COMPARED = 0x08;
export const CHECK_AT_DROPPED = 0x0c;

/** The ring of suspects: hits on entries that the tables no longer confirm. */
export const CHECK_AT_RING = 0x1000;
export const CHECK_RING_SLOTS = 64;
export const SUSPECT_SIZE = 0x200;
/**
 * SUSPECT_*: the thread that changes FREE to WRITING owns the slot until it stores FULL;
 * the host reads it and stores FREE.
 */
export const SUSPECT_STATE = 0x00;
export const SUSPECT_FREE = 0;
export const SUSPECT_WRITING = 1;
export const SUSPECT_FULL = 2;
/** What is stale: SUSPECT_TLB, SUSPECT_STE or SUSPECT_CD. */
export const SUSPECT_KIND = 0x04;
export const SUSPECT_TLB = 1;
export const SUSPECT_STE = 2;
export const SUSPECT_CD = 3;
export const SUSPECT_SID = 0x08;
export const SUSPECT_SSID = 0x0c;
/** Index of the entry in its cache, set * ways + way. */
export const SUSPECT_INDEX = 0x10;
/** Outcome of the fresh walk or reading: 0 success, an event ID, or SUSPECT_ABORTS. */
export const SUSPECT_OUTCOME = 0x14;
/** The STE is configured to abort. */
export const SUSPECT_ABORTS = 0x100;
/** i64: the address of the access, as its device issued it. */
export const SUSPECT_IOVA = 0x18;
// Distinguishes the entry from a later one in its place: for the IOTLB TLB_GEN and
// TLB_ALL_GEN; for the configuration cache the generation and the sequence word of its
// set.
export const SUSPECT_GEN = 0x20;
export const SUSPECT_SECOND = 0x28;

// SUSPECT_TLB: the entry's words, as in the IOTLB.
export const SUSPECT_META = 0x30;
export const SUSPECT_ASID_PERM = 0x34;
export const SUSPECT_PAGE = 0x38;
export const SUSPECT_PA = 0x40;
/** STE.Config after S1DSS: 5, 6 or 7. */
export const SUSPECT_CONFIG = 0x48;
/** 1 when the stage-2 tables have changed, otherwise 0. */
export const SUSPECT_STAGE2 = 0x4c;
/** Result of the fresh walk: PA, log2 of the size, TLB_PERM_*. */
export const SUSPECT_NEW_PA = 0x50;
export const SUSPECT_NEW_SIZE = 0x58;
export const SUSPECT_NEW_PERM = 0x5c;
/**
 * 1 when the descriptor that the entry was made from is known: its address (nested: an
 * IPA; stage 2: a PA), its old and its new value.
 */
export const SUSPECT_KNOWN = 0x60;
/**
 * For SUSPECT_TLB: SUSPECT_INDEX is the index of a shadow entry (shadow-memory.ts), of a
 * leaf or of a table.
 */
export const SUSPECT_SHADOW = 0x64;
export const SUSPECT_SHADOW_LEAF = 1;
export const SUSPECT_SHADOW_TABLE = 2;
export const SUSPECT_SLOT = 0x68;
export const SUSPECT_OLD = 0x70;
export const SUSPECT_NOW = 0x78;

// SUSPECT_STE: SUSPECT_READING is 0 for a cached entry. Otherwise the structures have
// been read twice: with no CFGI of the set in between, or with one although more than one
// doubleword differs.
export const SUSPECT_READING = 0x30;
export const SUSPECT_READING_NO_CFGI = 1;
export const SUSPECT_READING_ONE_CFGI = 2;
/**
 * Only the level-1 descriptor: SUSPECT_INDEX is the index of its slot (shadow-memory.ts).
 */
export const SUSPECT_READING_LEVEL1 = 3;
/** Outcome of the first reading, encoded like SUSPECT_OUTCOME. */
export const SUSPECT_OLD_OUTCOME = 0x34;
/** 1 when both readings have a CD. */
export const SUSPECT_CDS = 0x38;

// SUSPECT_STE and SUSPECT_CD: with SUSPECT_KNOWN the structures as the cache read them,
// and as they are now; 64 bytes each.
export const SUSPECT_OLD_STE = 0x80;
export const SUSPECT_OLD_CD = 0xc0;
export const SUSPECT_NEW_STE = 0x100;
export const SUSPECT_NEW_CD = 0x140;
/**
 * The changed level-1 descriptor: 0 for none, or LEVEL1_OF_*; its address, its old and
 * its new value.
 */
export const SUSPECT_LEVEL1 = 0x180;
export const SUSPECT_LEVEL1_ADDRESS = 0x188;
export const SUSPECT_LEVEL1_OLD = 0x190;
export const SUSPECT_LEVEL1_NOW = 0x198;

/** Per thread: a copy of its thread block, while a fresh walk uses the block. */
export const CHECK_AT_THREADS = 0x10000;
export const CHECK_THREAD_SIZE = 0x400;
/**
 * Within that copy: the ID registers with which a CD or a walk is tried, SHOWN_SIZE
 * bytes.
 */
export const CHECK_THREAD_IDS = 0x3c0;

/**
 * One for each entry of the configuration cache: STE and CD as they were read, then 1
 * when the entry has been reported.
 */
export const CHECK_AT_CONFIGS = 0x20000;
export const ORIGIN_CONFIG_SIZE = 0x100;
export const ORIGIN_STE = 0x00;
export const ORIGIN_CD = 0x40;
export const ORIGIN_CONFIG_REPORTED = 0x80;

/**
 * One for each entry of the IOTLB: TLB_GEN and TLB_PAGE of the entry it belongs to, then
 * the leaf descriptors of both stages: the address of stage 1's before stage 2, the PA of
 * stage 2's, 0 where there is none.
 */
export const CHECK_AT_TRANSLATIONS = 0x40000;
export const ORIGIN_TLB_SIZE = 0x40;
export const ORIGIN_GEN = 0x00;
export const ORIGIN_PAGE = 0x08;
export const ORIGIN_SLOT1 = 0x10;
export const ORIGIN_LEAF1 = 0x18;
export const ORIGIN_SLOT2 = 0x20;
export const ORIGIN_LEAF2 = 0x28;
/** 1 when the entry has been reported; an insert clears it. */
export const ORIGIN_TLB_REPORTED = 0x30;
