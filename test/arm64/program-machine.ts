// SPDX-License-Identifier: MIT
// A vCPU with a program at EL1 or EL0, and vectors without code of their own.

import { ARM64_EL, ARM64_PC, ARM64_SPSEL, BANK_VBAR } from '../../assembly/layout/arm64-state.ts';
import { type Arm64Imports, Arm64Machine, FLAT_READ_ONLY, mapFlat, write } from './el0-machine.ts';

export const BASE = 0x2000_0000;
export const PROGRAM = BASE + 0x1_0000;
export const VECTORS = BASE + 0x2_0000;
export const DATA = BASE + 0x3_0000;
export const NOP = 0xd503201f;

interface ProgramOptions {
  readonly el?: number;
  readonly flat?: boolean;
  readonly attributes?: number;
  readonly board?: Arm64Imports;
}

/**
 * A machine whose vectors are pages of NOPs, and whose program is these words at EL1 or
 * EL0.
 */
export function machineWith(
  words: readonly number[],
  { el = 1, flat = true, attributes = FLAT_READ_ONLY, board }: ProgramOptions = {},
): Arm64Machine {
  const machine = new Arm64Machine({ ramGpa: BASE, ...(board && { board }) });
  if (flat) mapFlat(machine, attributes);
  machine.setEl1(BANK_VBAR, BigInt(VECTORS));
  write(machine, VECTORS, Array<number>(512).fill(NOP));
  write(machine, PROGRAM, words);
  machine.setU64(ARM64_PC, BigInt(PROGRAM));
  machine.setU32(ARM64_EL, el);
  machine.setU32(ARM64_SPSEL, el);
  return machine;
}
