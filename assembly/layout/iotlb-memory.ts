// SPDX-License-Identifier: MIT
// The IOTLB in an SMMU block: set-associative; a set's sequence word (set-sequence.ts)
// guards its ways. Offsets in bytes, named TLB_SET_* inside a set header and TLB_* inside
// an entry.

export const SMMU_AT_TLB_SEQ = 0x40000;
export const TLB_SETS = 1024;
export const TLB_WAYS = 4;
/** Sequence word, replacement counter and tags of a set. */
export const TLB_SET_STRIDE = 0x20;
export const TLB_SET_SEQ = 0;
export const TLB_SET_VICTIM = 4;
/**
 * One word per way: a hash of the tag of its entry, so that a lookup or an invalidation
 * of an address touches only entries that are likely to match. The hash does not tell
 * whether the entry is live.
 */
export const TLB_SET_TAGS = 0x10;
export const SMMU_AT_TLB = 0x80000;
export const TLB_ENTRY_SIZE = 0x40;
/**
 * One word that makes an entry live; an invalidation stores 0 to it. Fields TLB_META_*.
 */
export const TLB_META = 0x00;
/** VMID, or in its place a StreamWorld that has none: VMID_EL2, VMID_E2H. */
export const TLB_META_VMID = (0 << 16) | (0 << 8) | 17;
/** log2 of the entry's size in bytes. */
export const TLB_META_SIZE = (0 << 16) | (17 << 8) | 6;
export const TLB_META_GLOBAL = (0 << 16) | (23 << 8) | 1;
/** 0 stage 1 or nested (input is a VA), 1 stage 2 only (input is an IPA). */
export const TLB_META_S2 = (0 << 16) | (24 << 8) | 1;
export const TLB_META_VALID = (0 << 16) | (31 << 8) | 1;
/**
 * ASID in bits 0 to 15, TLB_PERM_* in bits 16 and up. One of these, TLB_ASET, is no
 * permission but CD.ASET: the ASID belongs to the SMMU alone, and TLB maintenance of
 * processors by ASID does not affect the entry.
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
/** i64 VMID generation and i64 TLBI_NSNH_ALL generation, both sampled before the walk. */
export const TLB_GEN = 0x18;
export const TLB_ALL_GEN = 0x20;
/**
 * log2 of the size in bytes of the leaf that a TLBI by address removes as a whole: the
 * stage-1 leaf, which may be larger than the entry; with stage 2 alone the entry itself.
 */
export const TLB_LEAF = 0x28;
