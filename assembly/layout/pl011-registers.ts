// SPDX-License-Identifier: MIT
// Register map of the PL011 UART (DDI 0183), reduced to the needs of a console. All
// registers are 32-bit (16 bits used).

export const PL011_REGION_SIZE = 0x1000;
export const PL011_DR = 0x000;
export const PL011_RSR = 0x004;
export const PL011_FR = 0x018;
export const PL011_ILPR = 0x020;
export const PL011_IBRD = 0x024;
export const PL011_FBRD = 0x028;
export const PL011_LCRH = 0x02c;
export const PL011_CR = 0x030;
export const PL011_IFLS = 0x034;
export const PL011_IMSC = 0x038;
export const PL011_RIS = 0x03c;
export const PL011_MIS = 0x040;
export const PL011_ICR = 0x044;
export const PL011_DMACR = 0x048;
/** Eight identification bytes, one per word: PeriphID0 to 3, PCellID0 to 3. */
export const PL011_PERIPH_ID = 0xfe0;

/** Transmit FIFO empty, receive FIFO full, transmit FIFO full, receive FIFO empty. */
export const PL011_FR_TXFE = (0 << 16) | (7 << 8) | 1;
export const PL011_FR_RXFF = (0 << 16) | (6 << 8) | 1;
export const PL011_FR_TXFF = (0 << 16) | (5 << 8) | 1;
export const PL011_FR_RXFE = (0 << 16) | (4 << 8) | 1;
export const PL011_INT_RX = (0 << 16) | (4 << 8) | 1;
export const PL011_INT_TX = (0 << 16) | (5 << 8) | 1;
