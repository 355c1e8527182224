// SPDX-License-Identifier: MIT
// A console's data and flag registers without exits: a kernel prints a byte by a read of
// the one and a write of the other.

import {
  PL011_DR,
  PL011_FR,
  PL011_IMSC,
  PL011_INT_TX,
} from '../../../assembly/layout/pl011-registers.ts';
import type { Pl011 } from '../../../devices/pl011/index.ts';
import { MachineError, maskInWord } from '../../../devices/plugin/index.ts';
import type { PostedRegisters } from '../../vcpu/arm64/index.ts';

const TX = maskInWord(PL011_INT_TX);

/** @param at address of the UART. */
export function postedConsole(uart: Pl011, at: number): PostedRegisters {
  const access = { region: 0, offset: 0, size: 4, vcpu: 0, lo: 0, hi: 0 } as const;
  const read = (offset: number) => {
    const one = { ...access, offset };
    uart.read(one);
    return one.lo;
  };
  return {
    writeAt: at + PL011_DR,
    readAt: at + PL011_FR,
    write: (value) => {
      try {
        uart.write({ ...access, offset: PL011_DR, lo: value });
      } catch (cause) {
        throw MachineError.of(uart.name, cause);
      }
    },
    // Whoever has interrupts of transmission waits for them.
    value: () => ((read(PL011_IMSC) & TX) === 0 ? read(PL011_FR) : undefined),
  };
}
