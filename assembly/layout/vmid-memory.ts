// SPDX-License-Identifier: MIT
// The VMID table in an SMMU block: the generations that make invalidation by VMID or ASID
// O(1). Offsets in bytes, named VMID_* inside one VMID's part.

export const SMMU_AT_VMIDS = 0x100000;
export const VMID_STRIDE = 0x100;
// The StreamWorlds without VMIDs have parts of their own after those of the VMIDs, whose
// numbers are their tags: NS-EL2, and NS-EL2-E2H, which has ASIDs.
export const VMID_EL2 = 0x10000;
export const VMID_E2H = 0x10001;
export const VMID_PARTS = 0x10002;
/** i64, raised by every invalidation that affects this VMID. */
export const VMID_ANY_GEN = 0x00;
/** i64, VMID_ANY_GEN at the last invalidation of everything. */
export const VMID_ALL_GEN = 0x08;
/** Sizes of the entries ever inserted: u64, bit n for 2^n bytes. */
export const VMID_SIZES = 0x10;
/**
 * Sizes of the stage-1 leaves for which smaller entries were ever inserted: u64, bit n
 * for 2^n bytes. A TLBI by address has to find all entries of a leaf.
 */
export const VMID_FRACTURED = 0x18;
/** i64 each: VMID_ANY_GEN at the last invalidation of an ASID that hashes here. */
export const VMID_ASID_GEN = 0x80;
export const VMID_ASID_SLOTS = 16;
