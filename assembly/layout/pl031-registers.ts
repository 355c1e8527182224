// SPDX-License-Identifier: MIT
// Register map of the PL031 real time clock (DDI 0224, chapter 3). All registers are
// 32-bit.

export const PL031_REGION_SIZE = 0x1000;
/** Seconds; read-only. */
export const PL031_DR = 0x000;
export const PL031_MR = 0x004;
export const PL031_LR = 0x008;
export const PL031_CR = 0x00c;
export const PL031_IMSC = 0x010;
export const PL031_RIS = 0x014;
export const PL031_MIS = 0x018;
export const PL031_ICR = 0x01c;
/** Eight identification bytes, one per word: PeriphID0 to 3, PCellID0 to 3. */
export const PL031_PERIPH_ID = 0xfe0;

/** The only bit of IMSC, RIS, MIS and ICR; in CR the enable. */
export const PL031_BIT = 0x1;
