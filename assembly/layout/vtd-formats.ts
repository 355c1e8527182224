// SPDX-License-Identifier: MIT
// VT-d in scalable mode: registers, the structures on the way from a source ID to a PASID
// table entry, page table entries and invalidation descriptors (Intel Virtualization
// Technology for Directed I/O, Architecture Specification, chapters 6, 9 and 11). Fields
// are packed as in smmu-registers.ts: (32-bit word << 16) | (lowest bit << 8) | width;
// addresses are in bits 63:12 of their doubleword.

// Registers. Only those that take part in translation and in queued invalidation.
export const VTD_REGION_SIZE = 0x1000;
export const VTD_CAP = 0x08;
export const VTD_ECAP = 0x10;
export const VTD_GCMD = 0x18;
export const VTD_GSTS = 0x1c;
export const VTD_RTADDR = 0x20;
export const VTD_FSTS = 0x34;
/** Head and tail of the invalidation queue: byte offsets in it. */
export const VTD_IQH = 0x80;
export const VTD_IQT = 0x88;
export const VTD_IQA = 0x90;

/** GCMD and GSTS: translation, root table pointer, queued invalidation. */
export const VTD_GCMD_TE = (0 << 16) | (31 << 8) | 1;
export const VTD_GCMD_SRTP = (0 << 16) | (30 << 8) | 1;
export const VTD_GCMD_QIE = (0 << 16) | (26 << 8) | 1;
/** FSTS: the queue has stopped at an invalid descriptor. */
export const VTD_FSTS_IQE = (0 << 16) | (4 << 8) | 1;
/**
 * ECAP: queued invalidation, device TLBs, nested translation, scalable mode, first stage.
 */
export const VTD_ECAP_QI = (0 << 16) | (1 << 8) | 1;
export const VTD_ECAP_DT = (0 << 16) | (2 << 8) | 1;
export const VTD_ECAP_NEST = (0 << 16) | (26 << 8) | 1;
export const VTD_ECAP_SMTS = (1 << 16) | (11 << 8) | 1;
export const VTD_ECAP_FSTS = (1 << 16) | (15 << 8) | 1;
/** RTADDR.TTM: scalable mode. */
export const VTD_RTADDR_TTM = (0 << 16) | (10 << 8) | 2;
export const VTD_TTM_SCALABLE = 1;
/** IQA: log2 of the pages of the queue, and descriptors of 256 bits. */
export const VTD_IQA_QS = (0 << 16) | (0 << 8) | 3;
export const VTD_IQA_DW = (0 << 16) | (11 << 8) | 1;

/** Bytes of a root entry, a context entry, and a PASID table entry. */
export const VTD_ROOT_SIZE = 16;
export const VTD_CONTEXT_SIZE = 32;
export const VTD_PASID_ENTRY_SIZE = 64;
/** P, UP or LP of all of them: bit 0 of the doubleword with the address. */
export const VTD_PRESENT = (0 << 16) | (0 << 8) | 1;
/** Of a context entry: the device may use ATS, and PRI. */
export const VTD_CONTEXT_DTE = (0 << 16) | (2 << 8) | 1;
export const VTD_CONTEXT_PRE = (0 << 16) | (4 << 8) | 1;

// PASID table entry.
export const VTD_PE_AW = (0 << 16) | (2 << 8) | 3;
/** AW of four levels, 48 bits. */
export const VTD_AW_48 = 2;
export const VTD_PE_PGTT = (0 << 16) | (6 << 8) | 3;
export const VTD_PGTT_FIRST = 1;
export const VTD_PGTT_SECOND = 2;
export const VTD_PGTT_NESTED = 3;
/** Domain ID, which tags the IOTLB. */
export const VTD_PE_DID = (2 << 16) | (0 << 8) | 16;
export const VTD_PE_SRE = (4 << 16) | (0 << 8) | 1;
/** Levels of the first stage: 0 means four. */
export const VTD_PE_FSPM = (4 << 16) | (2 << 8) | 2;
export const VTD_PE_WPE = (4 << 16) | (4 << 8) | 1;
/** Doublewords of the two table pointers. */
export const VTD_PE_SSPTPTR = 0;
export const VTD_PE_FSPTPTR = 2;

// Page table entries, bits of the low word. First stage in the format of a processor's:
// P, R/W.
export const VTD_FS_P = (0 << 16) | (0 << 8) | 1;
export const VTD_FS_RW = (0 << 16) | (1 << 8) | 1;
/** Second stage: R, W. */
export const VTD_SS_R = (0 << 16) | (0 << 8) | 1;
export const VTD_SS_W = (0 << 16) | (1 << 8) | 1;
/** Of both: the entry is a leaf above the last level. */
export const VTD_PTE_PS = (0 << 16) | (7 << 8) | 1;

/** Bytes of a descriptor with IQA.DW = 1. */
export const VTD_DESCRIPTOR_SIZE = 32;
/** Type, bits 3:0 (bits 11:9 are 0 in all of these). */
export const VTD_INV_TYPE = (0 << 16) | (0 << 8) | 4;
export const VTD_INV_CONTEXT = 1;
export const VTD_INV_IOTLB = 2;
export const VTD_INV_DEVICE_TLB = 3;
export const VTD_INV_WAIT = 5;
export const VTD_INV_PASID_IOTLB = 6;
export const VTD_INV_PASID_CACHE = 7;
export const VTD_INV_G = (0 << 16) | (4 << 8) | 2;
/**
 * G of VTD_INV_IOTLB: a domain; of VTD_INV_PASID_IOTLB: all of a PASID, or pages of it.
 */
export const VTD_G_DOMAIN = 2;
export const VTD_G_PASID = 2;
export const VTD_G_PASID_PAGES = 3;
export const VTD_INV_DID = (0 << 16) | (16 << 8) | 16;
/** Source ID of VTD_INV_CONTEXT and VTD_INV_DEVICE_TLB. */
export const VTD_INV_SID = (1 << 16) | (0 << 8) | 16;
export const VTD_INV_PASID = (1 << 16) | (0 << 8) | 20;
/** log2 of the pages of VTD_INV_PASID_IOTLB. */
export const VTD_INV_AM = (2 << 16) | (0 << 8) | 6;
/**
 * In VTD_INV_DEVICE_TLB: more than one page; the number is encoded in the ones from
 * address bit 12 on.
 */
export const VTD_INV_S = (2 << 16) | (0 << 8) | 1;
/** In VTD_INV_WAIT: store the status data at the status address. */
export const VTD_WAIT_SW = (0 << 16) | (5 << 8) | 1;
