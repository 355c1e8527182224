// SPDX-License-Identifier: MIT
// Context Descriptor (IHI 0070 section 5.4): 64 bytes, 32-bit words 0 to 15. Fields are
// packed as in smmu-registers.ts.

export const CD_SIZE = 64;

export const CD_T0SZ = (0 << 16) | (0 << 8) | 6;
/** 0 4 KiB, 1 64 KiB, 2 16 KiB. */
export const CD_TG0 = (0 << 16) | (6 << 8) | 2;
export const CD_IR0 = (0 << 16) | (8 << 8) | 2;
export const CD_OR0 = (0 << 16) | (10 << 8) | 2;
export const CD_SH0 = (0 << 16) | (12 << 8) | 2;
export const CD_EPD0 = (0 << 16) | (14 << 8) | 1;
export const CD_ENDI = (0 << 16) | (15 << 8) | 1;
export const CD_T1SZ = (0 << 16) | (16 << 8) | 6;
/** 1 16 KiB, 2 4 KiB, 3 64 KiB: the encoding differs from TG0. */
export const CD_TG1 = (0 << 16) | (22 << 8) | 2;
export const CD_IR1 = (0 << 16) | (24 << 8) | 2;
export const CD_OR1 = (0 << 16) | (26 << 8) | 2;
export const CD_SH1 = (0 << 16) | (28 << 8) | 2;
export const CD_EPD1 = (0 << 16) | (30 << 8) | 1;
export const CD_V = (0 << 16) | (31 << 8) | 1;
/** Intermediate physical address size, encoded like IDR5.OAS. */
export const CD_IPS = (1 << 16) | (0 << 8) | 3;
export const CD_AFFD = (1 << 16) | (3 << 8) | 1;
export const CD_WXN = (1 << 16) | (4 << 8) | 1;
export const CD_UWXN = (1 << 16) | (5 << 8) | 1;
export const CD_TBI0 = (1 << 16) | (6 << 8) | 1;
export const CD_TBI1 = (1 << 16) | (7 << 8) | 1;
export const CD_PAN = (1 << 16) | (8 << 8) | 1;
export const CD_AA64 = (1 << 16) | (9 << 8) | 1;
export const CD_HD = (1 << 16) | (10 << 8) | 1;
export const CD_HA = (1 << 16) | (11 << 8) | 1;
/** Stall faults. */
export const CD_S = (1 << 16) | (12 << 8) | 1;
/** Record faults. */
export const CD_R = (1 << 16) | (13 << 8) | 1;
/** Abort faulting transactions (1) rather than RAZ/WI (0). */
export const CD_A = (1 << 16) | (14 << 8) | 1;
export const CD_ASET = (1 << 16) | (15 << 8) | 1;
export const CD_ASID = (1 << 16) | (16 << 8) | 16;
export const CD_HAD0 = (2 << 16) | (1 << 8) | 1;
/** TTB0[31:4]. */
export const CD_TTB0_LO = (2 << 16) | (4 << 8) | 28;
/** TTB0[51:32]. */
export const CD_TTB0_HI = (3 << 16) | (0 << 8) | 20;
export const CD_HAD1 = (4 << 16) | (1 << 8) | 1;
export const CD_TTB1_LO = (4 << 16) | (4 << 8) | 28;
export const CD_TTB1_HI = (5 << 16) | (0 << 8) | 20;
/**
 * 52-bit addresses with granules of 4 and 16 KiB: descriptor bits [9:8] are address bits
 * [51:50].
 */
export const CD_DS = (5 << 16) | (26 << 8) | 1;
/**
 * MAIR as Linux writes it: 0 non-cacheable, 1 write-back, 2 device, 3 inner non-cacheable
 * and outer write-back.
 */
export const CD_MAIR_LO = (6 << 16) | (0 << 8) | 32;
export const CD_MAIR_HI = (7 << 16) | (0 << 8) | 32;

// Level-1 context descriptor (IHI 0070 section 5.3): 8 bytes, words 0 and 1.
export const L1CD_SIZE = 8;
export const L1CD_V = (0 << 16) | (0 << 8) | 1;
/** L2Ptr[31:12]. */
export const L1CD_L2PTR_LO = (0 << 16) | (12 << 8) | 20;
/** L2Ptr[51:32]. */
export const L1CD_L2PTR_HI = (1 << 16) | (0 << 8) | 20;
