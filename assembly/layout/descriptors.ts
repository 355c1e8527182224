// SPDX-License-Identifier: MIT
// AArch64 (VMSAv8-64) translation table descriptors: 8 bytes, 32-bit words 0 and 1.
// Packed as in smmu-registers.ts.

export const PTE_VALID = (0 << 16) | (0 << 8) | 1;
/** 3 is a table (levels 0 to 2) or a page (level 3), 1 a block (reserved at level 3). */
export const PTE_TYPE = (0 << 16) | (0 << 8) | 2;
export const PTE_TYPE_BLOCK = 1;
export const PTE_TYPE_TABLE = 3;
export const PTE_TYPE_PAGE = 3;
export const PTE_ATTRINDX = (0 << 16) | (2 << 8) | 3;
/** Stage 1: Non-secure; ignored for a Non-secure stream. */
export const PTE_NS = (0 << 16) | (5 << 8) | 1;
/** Stage 1: AP[1], unprivileged access allowed. */
export const PTE_AP_UNPRIV = (0 << 16) | (6 << 8) | 1;
/** Stage 1: AP[2], read-only. */
export const PTE_AP_RO = (0 << 16) | (7 << 8) | 1;
/** Stage 2: S2AP[0], readable. */
export const PTE_S2AP_R = (0 << 16) | (6 << 8) | 1;
/** Stage 2: S2AP[1], writable. */
export const PTE_S2AP_W = (0 << 16) | (7 << 8) | 1;
/** Stage 2: MemAttr. */
export const PTE_S2_MEMATTR = (0 << 16) | (2 << 8) | 4;
export const PTE_SH = (0 << 16) | (8 << 8) | 2;
/** Access flag. */
export const PTE_AF = (0 << 16) | (10 << 8) | 1;
/** Not global: the entry belongs to one ASID. */
export const PTE_NG = (0 << 16) | (11 << 8) | 1;
export const PTE_DBM = (1 << 16) | (19 << 8) | 1;
export const PTE_CONTIGUOUS = (1 << 16) | (20 << 8) | 1;
export const PTE_PXN = (1 << 16) | (21 << 8) | 1;
/** Stage 1 UXN or XN; stage 2 XN[1]. */
export const PTE_XN = (1 << 16) | (22 << 8) | 1;
/** For software: ignored. */
export const PTE_SOFTWARE = (1 << 16) | (23 << 8) | 4;
export const PTE_TABLE_PXN = (1 << 16) | (27 << 8) | 1;
export const PTE_TABLE_XN = (1 << 16) | (28 << 8) | 1;
/** APTable[0]: no unprivileged access below. */
export const PTE_APTABLE_PRIV = (1 << 16) | (29 << 8) | 1;
/** APTable[1]: read-only below. */
export const PTE_APTABLE_RO = (1 << 16) | (30 << 8) | 1;

export const PTE_TABLE_NS = (1 << 16) | (31 << 8) | 1;

/**
 * Stage-1 page as Linux writes it for a read-write cached buffer: nG, AF, inner
 * shareable, unprivileged, AttrIndx 1.
 */
export const PTE_S1_PAGE_RW = 0xf47;
/** The same, read-only. */
export const PTE_S1_PAGE_RO = 0xfc7;
/** Stage-2 page: AF, inner shareable, read-write, normal write-back memory. */
export const PTE_S2_PAGE_RW = 0x7ff;
/** The same without S2AP[1]. */
export const PTE_S2_PAGE_RO = 0x77f;
