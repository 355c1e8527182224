// SPDX-License-Identifier: MIT
// The configuration cache in an SMMU block: sets of ways, selected by the low bits of the
// StreamID. Offsets in bytes, named CFG_SET_* inside a set header and CFG_* inside an
// entry.

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
/** STE.Config with S1DSS applied: 4 bypass, 5, 6, 7. */
export const CFG_CONFIG = 0x0c;
export const CFG_VMID = 0x10;
export const CFG_ASID = 0x14;
/**
 * CD word 0 (T0SZ, TG0, EPD0, T1SZ, TG1, EPD1) and word 1 (IPS, AFFD, TBI, R, A) as read.
 */
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
/** STE.S2SL0_2, at its position above S2SL0. */
export const CFG_DS_S2SL0_2 = 4;
/** Bytes of an entry that a translation uses, a multiple of 8. */
export const CFG_USED = 0x48;
/**
 * After those bytes, for comparisons with other STEs: doublewords 0 to 3 of the STE as
 * read.
 */
export const CFG_STE = 0x48;
export const CFG_STE_BYTES = 32;
