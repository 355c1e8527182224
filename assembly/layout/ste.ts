// SPDX-License-Identifier: MIT
// Stream Table Entry (IHI 0070 section 5.2): 64 bytes, 32-bit words 0 to 15. Doubleword n
// is words 2n and 2n + 1. Fields are packed as in smmu-registers.ts. Address fields are
// split at the word boundary.

export const STE_SIZE = 64;

export const STE_V = (0 << 16) | (0 << 8) | 1;
/** 0 abort, 4 bypass, 5 stage 1, 6 stage 2, 7 nested. */
export const STE_CONFIG = (0 << 16) | (1 << 8) | 3;
export const STE_CONFIG_ABORT = 0;
export const STE_CONFIG_BYPASS = 4;
export const STE_CONFIG_S1 = 5;
export const STE_CONFIG_S2 = 6;
export const STE_CONFIG_NESTED = 7;
/** 0 linear, 1 two-level with 4 KiB leaves, 2 two-level with 64 KiB leaves. */
export const STE_S1FMT = (0 << 16) | (4 << 8) | 2;
export const STE_S1FMT_LINEAR = 0;
export const STE_S1FMT_4K = 1;
export const STE_S1FMT_64K = 2;
/** S1ContextPtr[31:6], at its position. An IPA when Config is 7. */
export const STE_S1CONTEXTPTR_LO = (0 << 16) | (6 << 8) | 26;
/** S1ContextPtr[51:32]. */
export const STE_S1CONTEXTPTR_HI = (1 << 16) | (0 << 8) | 20;
/** log2 of the number of CDs; 0 means no substreams. */
export const STE_S1CDMAX = (1 << 16) | (27 << 8) | 5;
/** 0 terminate, 1 bypass, 2 use CD 0, for transactions without a SubstreamID. */
export const STE_S1DSS = (2 << 16) | (0 << 8) | 2;
export const STE_S1DSS_BYPASS = 1;
export const STE_S1DSS_CD0 = 2;
export const STE_S1CIR = (2 << 16) | (2 << 8) | 2;
export const STE_S1COR = (2 << 16) | (4 << 8) | 2;
export const STE_S1CSH = (2 << 16) | (6 << 8) | 2;
/**
 * log2 of the number of adjacent STEs, this one included, that are equal to it: a hint
 * for caches.
 */
export const STE_CONT = (2 << 16) | (13 << 8) | 4;
export const STE_MEV = (2 << 16) | (19 << 8) | 1;
export const STE_S2FWB = (2 << 16) | (25 << 8) | 1;
export const STE_S1STALLD = (2 << 16) | (27 << 8) | 1;
/** 0 ATS not allowed, 1 full ATS, 2 split-stage. */
export const STE_EATS = (2 << 16) | (28 << 8) | 2;
export const STE_EATS_FULL = 1;
export const STE_EATS_SPLIT = 2;
/** 0 NS-EL1, 1 reserved for Non-secure, 2 EL2; ignored without IDR0.HYP. */
export const STE_STRW = (2 << 16) | (30 << 8) | 2;
export const STE_SHCFG = (3 << 16) | (12 << 8) | 2;
export const STE_S2VMID = (4 << 16) | (0 << 8) | 16;
export const STE_S2T0SZ = (5 << 16) | (0 << 8) | 6;
/** Start level, see docs: for 4 KiB 2 is level 0, 1 is level 1, 0 is level 2. */
export const STE_S2SL0 = (5 << 16) | (6 << 8) | 2;
export const STE_S2IR0 = (5 << 16) | (8 << 8) | 2;
export const STE_S2OR0 = (5 << 16) | (10 << 8) | 2;
export const STE_S2SH0 = (5 << 16) | (12 << 8) | 2;
/** 0 4 KiB, 1 64 KiB, 2 16 KiB. */
export const STE_S2TG = (5 << 16) | (14 << 8) | 2;
/** Output size, encoded like IDR5.OAS. */
export const STE_S2PS = (5 << 16) | (16 << 8) | 3;
export const STE_S2AA64 = (5 << 16) | (19 << 8) | 1;
export const STE_S2ENDI = (5 << 16) | (20 << 8) | 1;
export const STE_S2AFFD = (5 << 16) | (21 << 8) | 1;
export const STE_S2PTW = (5 << 16) | (22 << 8) | 1;
export const STE_S2HD = (5 << 16) | (23 << 8) | 1;
export const STE_S2HA = (5 << 16) | (24 << 8) | 1;
/** Stall stage-2 faults. */
export const STE_S2S = (5 << 16) | (25 << 8) | 1;
/** Record stage-2 faults. */
export const STE_S2R = (5 << 16) | (26 << 8) | 1;
/** Bit 2 of S2SL0, with S2DS and granules of 4 KiB. */
export const STE_S2SL0_2 = (6 << 16) | (2 << 8) | 1;
/** CD.DS of stage 2. */
export const STE_S2DS = (6 << 16) | (3 << 8) | 1;
/** S2TTB[31:4]. */
export const STE_S2TTB_LO = (6 << 16) | (4 << 8) | 28;
/** S2TTB[51:32]. */
export const STE_S2TTB_HI = (7 << 16) | (0 << 8) | 20;

// Level-1 stream table descriptor (IHI 0070 section 5.1): 8 bytes, words 0 and 1.
export const L1STD_SIZE = 8;
/** 0 invalid; n is a level-2 table of 2^(n - 1) STEs. */
export const L1STD_SPAN = (0 << 16) | (0 << 8) | 5;
/** L2Ptr[31:6]. */
export const L1STD_L2PTR_LO = (0 << 16) | (6 << 8) | 26;
/** L2Ptr[51:32]. */
export const L1STD_L2PTR_HI = (1 << 16) | (0 << 8) | 20;
