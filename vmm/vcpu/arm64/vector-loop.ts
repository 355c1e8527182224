// SPDX-License-Identifier: MIT
// A vCPU whose exception vector cannot be executed, such as one that was never set: its
// first instruction takes the exception again, and nothing else happens any more.

import {
  ARM64_BANK,
  ARM64_BANK_STRIDE,
  ARM64_EL,
  ARM64_PC,
  BANK_ELR,
  BANK_ESR,
  BANK_FAR,
  BANK_VBAR,
} from '../../../assembly/layout/arm64-state.ts';
import type { Arm64Block } from './arm64-block.ts';

const EL1 = ARM64_BANK + ARM64_BANK_STRIDE;
/**
 * Offset of the vector for synchronous exceptions from EL1 with SP_EL1, which each
 * exception selects (Arm ARM, D1.3.1).
 */
const VECTOR = 0x200n;

const hex = (value: bigint) => `0x${value.toString(16)}`;

/** A vCPU between two instructions. */
export interface StandingVcpu {
  readonly index: number;
  readonly block: Arm64Block;
}

/** Says what such a vCPU does; undefined for any other. */
export function vectorLoop({ index, block }: StandingVcpu): string | undefined {
  const pc = block.long(ARM64_PC);
  if (block.word(ARM64_EL) !== 1 || block.long(EL1 + BANK_ELR) !== pc) return undefined;
  if (pc !== block.long(EL1 + BANK_VBAR) + VECTOR) return undefined;
  const [esr, far] = [block.long(EL1 + BANK_ESR), block.long(EL1 + BANK_FAR)];
  return (
    `vCPU ${index} takes an exception at its own exception vector ${hex(pc)}, again and ` +
    `again: ESR_EL1 ${hex(esr)}, FAR_EL1 ${hex(far)}`
  );
}

/**
 * Why nothing happens any more: all vCPUs that are on are in such a loop; undefined if
 * not.
 */
export function endlessVectors(on: readonly StandingVcpu[]): string | undefined {
  const loops = on.map(vectorLoop);
  return loops.includes(undefined) ? undefined : loops[0];
}
