// SPDX-License-Identifier: MIT
// Input of a shell on a serial line that comes from a pipe or a file. The line cannot tell
// of an end, and the driver of a PL011 empties its FIFO when it opens the line.

import { PL011_IMSC, PL011_INT_RX } from '../assembly/layout/pl011-registers.ts';
import { maskInWord } from '../devices/plugin/index.ts';
import type { Machine } from '../vmm/api/index.ts';

/** Time between two looks at the machine, and between two Ctrl-D. */
const LOOK_MS = 20;
const END_MS = 500;
/** Ends the input of a program that reads from a terminal (Linux: VEOF in termios(3)). */
const CTRL_D = Uint8Array.of(0x04);

/** The driver sets it when it has opened the line. */
const RX_INTERRUPT = maskInWord(PL011_INT_RX);

/** Input on its way to a shell. */
export interface ShellInput {
  input(bytes: Uint8Array): void;
  /** There is no more: whatever reads the line gets its end, until the machine is off. */
  end(): void;
  /** The machine has ended. */
  stop(): void;
}

/**
 * Holds input back until the guest waits for it.
 * @param send sends it.
 */
export function shellInput(machine: Machine, send: (bytes: Uint8Array) => void): ShellInput {
  const held: Uint8Array[] = [];
  let hasEnded = false;
  let isOpen = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const look = () => {
    const mask = machine.readRegister('pl011', PL011_IMSC)?.lo ?? 0;
    isOpen ||= (mask & RX_INTERRUPT) !== 0;
    if (isOpen) for (const bytes of held.splice(0)) send(bytes);
    if (isOpen && hasEnded) send(CTRL_D);
    timer = !isOpen || hasEnded ? setTimeout(look, isOpen ? END_MS : LOOK_MS) : undefined;
  };
  look();
  return {
    input(bytes) {
      if (isOpen) send(bytes);
      else held.push(bytes);
    },
    end() {
      hasEnded = true;
      clearTimeout(timer);
      look();
    },
    stop: () => clearTimeout(timer),
  };
}
