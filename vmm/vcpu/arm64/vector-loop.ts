// SPDX-License-Identifier: MIT
// A vCPU whose exception vector cannot be executed, such as one that was never set: its
// first instruction takes the exception again, and nothing else happens any more.

import {
  ARM64_BANK,
  ARM64_BANK_STRIDE,
  ARM64_DAIF,
  ARM64_EL,
  ARM64_PC,
  BANK_ELR,
  BANK_ESR,
  BANK_FAR,
  BANK_SPSR,
  BANK_VBAR,
} from '../../../assembly/layout/arm64-state.ts';
import type { Arm64Block } from './arm64-block.ts';

const EL1 = ARM64_BANK + ARM64_BANK_STRIDE;
/**
 * Offset of the vector for synchronous exceptions from EL1 with SP_EL1, which each
 * exception selects (Arm ARM, D1.3.1).
 */
const VECTOR = 0x200n;
/** SPSR_EL1 of an exception at the vector: from EL1 with SP_EL1, everything masked. */
const MASKED = 0x3c0;
const FROM_VECTOR = BigInt(MASKED | 5);
/** The bits of SPSR_EL1 that say so. */
const MODE_AND_MASKS = 0x3cfn;
/**
 * Exception classes that return to the next instruction, not to theirs (Arm ARM, D1.3.3).
 */
const SVC = 0x15n;
const SOFTWARE_STEP = 0x33n;

/**
 * ELR_EL1 after the first instruction of a vector has taken the exception of this class.
 * Undefined for one that the instruction before the vector can have taken as well, and
 * for no exception: ELR_EL1 of a guest that has returned to its vector is the vector too.
 */
function returnsTo(vector: bigint, esr: bigint): bigint | undefined {
  const syndrome = (esr >> 26n) & 0x3fn;
  if (esr === 0n || syndrome === SOFTWARE_STEP) return undefined;
  return syndrome === SVC ? vector + 4n : vector;
}

const hex = (value: bigint) => `0x${value.toString(16)}`;

/** A vCPU between two instructions. */
export interface StandingVcpu {
  readonly index: number;
  readonly block: Arm64Block;
}

/** Says what such a vCPU does; undefined for any other. */
export function vectorLoop({ index, block }: StandingVcpu): string | undefined {
  const pc = block.long(ARM64_PC);
  if (block.word(ARM64_EL) !== 1 || block.word(ARM64_DAIF) !== MASKED) return undefined;
  if (pc !== block.long(EL1 + BANK_VBAR) + VECTOR) return undefined;
  // The exception that led here came from the vector, not from before it.
  if ((block.long(EL1 + BANK_SPSR) & MODE_AND_MASKS) !== FROM_VECTOR) return undefined;
  const [esr, far] = [block.long(EL1 + BANK_ESR), block.long(EL1 + BANK_FAR)];
  if (block.long(EL1 + BANK_ELR) !== returnsTo(pc, esr)) return undefined;
  return (
    `vCPU ${index} takes an exception at its own exception vector ${hex(pc)}, again and ` +
    `again: ESR_EL1 ${hex(esr)}, FAR_EL1 ${hex(far)}`
  );
}

/**
 * Why nothing happens any more: all these vCPUs are in such a loop; undefined if not.
 * @param awake those that are on, and do not sleep for ever.
 */
export function endlessVectors(awake: readonly StandingVcpu[]): string | undefined {
  const loops = awake.map(vectorLoop);
  return loops.includes(undefined) ? undefined : loops[0];
}
