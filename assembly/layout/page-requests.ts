// SPDX-License-Identifier: MIT
// Entries of the PRI queue (IHI 0070 chapter 8): PRIQ_ENTRY_SIZE bytes.

export const PPR_SID = (0 << 16) | (0 << 8) | 32;
export const PPR_SSID = (1 << 16) | (0 << 8) | 20;
export const PPR_PRIV = (1 << 16) | (26 << 8) | 1;
export const PPR_EXEC = (1 << 16) | (27 << 8) | 1;
export const PPR_READ = (1 << 16) | (28 << 8) | 1;
export const PPR_WRITE = (1 << 16) | (29 << 8) | 1;
/** The last request of its group. */
export const PPR_LAST = (1 << 16) | (30 << 8) | 1;
export const PPR_SSV = (1 << 16) | (31 << 8) | 1;
/** PRGIndex. */
export const PPR_INDEX = (2 << 16) | (0 << 8) | 9;
export const PPR_ADDR_LO = (2 << 16) | (12 << 8) | 20;
export const PPR_ADDR_HI = (3 << 16) | (0 << 8) | 32;
