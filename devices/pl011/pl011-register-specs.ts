// SPDX-License-Identifier: MIT
// Registers of the PL011 (DDI 0183, chapter 3) with a stored value, as data.

import {
  PL011_CR,
  PL011_DMACR,
  PL011_FBRD,
  PL011_IBRD,
  PL011_IFLS,
  PL011_ILPR,
  PL011_IMSC,
  PL011_LCRH,
  PL011_PERIPH_ID,
} from '../../assembly/layout/pl011-registers.ts';
import type { RegisterSpec } from '../plugin/index.ts';

/**
 * PeriphID0 to 3 (part 0x011, designer 0x41 Arm, revision 1: FIFOs of 16), then PCellID0
 * to 3. Drivers of the AMBA bus identify the device by these bytes.
 */
const IDENTIFICATION = [0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1];

export const PL011_REGISTERS: readonly RegisterSpec[] = [
  { name: 'UARTILPR', offset: PL011_ILPR, writable: 0xff },
  { name: 'UARTIBRD', offset: PL011_IBRD, writable: 0xffff },
  { name: 'UARTFBRD', offset: PL011_FBRD, writable: 0x3f },
  { name: 'UARTLCR_H', offset: PL011_LCRH, writable: 0xff },
  { name: 'UARTCR', offset: PL011_CR, reset: 0x300, writable: 0xff87 },
  { name: 'UARTIFLS', offset: PL011_IFLS, reset: 0x12, writable: 0x3f },
  { name: 'UARTIMSC', offset: PL011_IMSC, writable: 0x7ff },
  // Stored without an effect: there is no DMA.
  { name: 'UARTDMACR', offset: PL011_DMACR, writable: 0x7 },
  ...IDENTIFICATION.map((reset, i) => ({
    name: i < 4 ? `UARTPeriphID${i}` : `UARTPCellID${i - 4}`,
    offset: PL011_PERIPH_ID + 4 * i,
    reset,
  })),
];
