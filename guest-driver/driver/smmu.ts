// SPDX-License-Identifier: MIT
// State of an SMMU of the board. It is stored in guest memory, so that a saved guest
// includes it.

import { ABI_MAX_SMMUS } from '../../assembly/layout/guest-abi';
import { selectedSmmu } from './selected-smmu';

export class Smmu {
  /** gpa of the registers. */
  gpa: u32 = 0;
  /** Interrupt lines. */
  eventIrq: u32 = 0;
  gerrorIrq: u32 = 0;
  /** 1 once the probe has succeeded: no interrupt is handled before. */
  probed: u32 = 0;
  idr0: u32 = 0;
  idr1: u32 = 0;
  idr3: u32 = 0;
  idr5: u32 = 0;
  /** CR0 as last written and acknowledged. */
  cr0: u32 = 0;
  /** log2 of the number of STEs, and memory offset of the first. */
  streamLog2: u32 = 0;
  streamTable: usize = 0;
  /** GERROR interrupts without an active error of a queue. */
  otherErrors: u32 = 0;
}

const SMMUS: usize = memory.data(ABI_MAX_SMMUS * offsetof<Smmu>(), 64);

/** The selected SMMU. */
export function smmu(): Smmu {
  return changetype<Smmu>(SMMUS + selectedSmmu() * offsetof<Smmu>());
}

/** Clears its state. */
export function clearSmmu(): void {
  memory.fill(changetype<usize>(smmu()), 0, offsetof<Smmu>());
}
