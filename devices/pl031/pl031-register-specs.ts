// SPDX-License-Identifier: MIT
// Registers of the PL031 (DDI 0224, chapter 3) with a stored value, as data.

import {
  PL031_BIT,
  PL031_CR,
  PL031_IMSC,
  PL031_LR,
  PL031_MR,
  PL031_PERIPH_ID,
} from '../../assembly/layout/pl031-registers.ts';
import type { RegisterSpec } from '../plugin/index.ts';

/** PeriphID0 to 3 (part 0x031, designer 0x41 Arm, revision 1), then PCellID0 to 3. */
const IDENTIFICATION = [0x31, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1];

export const PL031_REGISTERS: readonly RegisterSpec[] = [
  { name: 'RTCMR', offset: PL031_MR, writable: 0xffffffff },
  { name: 'RTCLR', offset: PL031_LR, writable: 0xffffffff },
  // The counter runs from reset on and cannot be stopped (section 3.3.4).
  { name: 'RTCCR', offset: PL031_CR, reset: PL031_BIT },
  { name: 'RTCIMSC', offset: PL031_IMSC, writable: PL031_BIT },
  ...IDENTIFICATION.map((reset, i) => ({
    name: i < 4 ? `RTCPeriphID${i}` : `RTCPCellID${i - 4}`,
    offset: PL031_PERIPH_ID + 4 * i,
    reset,
  })),
];
