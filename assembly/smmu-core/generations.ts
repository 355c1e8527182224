// SPDX-License-Identifier: MIT
// Invalidation generations of a VMID. An entry carries the generation that was current
// before its walk began; raising a generation kills every older entry at once, in all
// sets. 64 bits, so that no guest can make one wrap.
//
// One raise may serve several commands (docs/internals/architecture.md, "One raise for a
// run of commands"); hence the kill functions take a generation.

import { SMMU_AT_ALL_GEN } from '../layout/smmu-memory';
import {
  SMMU_AT_VMIDS,
  VMID_ALL_GEN,
  VMID_ANY_GEN,
  VMID_ASID_GEN,
  VMID_ASID_SLOTS,
  VMID_E2H,
  VMID_STRIDE,
} from '../layout/vmid-memory';

/** The block of a VMID, or of VMID_EL2 or VMID_E2H. */
export function vmidBlock(smmu: usize, vmid: u32): usize {
  return smmu + SMMU_AT_VMIDS + min(vmid, <u32>VMID_E2H) * VMID_STRIDE;
}

/**
 * Address of the generation that an ASID hashes to, inside the block of its VMID for any
 * ASID.
 */
export function asidGen(block: usize, asid: u32): usize {
  return (
    block + VMID_ASID_GEN + (((asid ^ (asid >> 4) ^ (asid >> 8)) & (VMID_ASID_SLOTS - 1)) << 3)
  );
}

/**
 * Raises a generation. Two invalidations may finish out of order, and a generation must
 * never go down.
 */
export function raiseTo(address: usize, generation: i64): void {
  let seen = atomic.load<i64>(address);
  while (seen < generation) {
    const found = atomic.cmpxchg<i64>(address, seen, generation);
    if (found == seen) return;
    seen = found;
  }
}

/**
 * Announces an invalidation that affects this VMID: walks that are under way will not be
 * cached. Call it after reading the command and before killing anything.
 * @returns the new generation.
 */
export function touch(block: usize): i64 {
  return atomic.add<i64>(block, 1, VMID_ANY_GEN) + 1;
}

/** Kills every entry of the VMID that is older than a generation. */
export function killVmid(block: usize, generation: i64): void {
  raiseTo(block + VMID_ALL_GEN, generation);
}

/**
 * Kills every non-global entry older than a generation, of the ASID and of those that
 * share its slot.
 */
export function killAsid(block: usize, asid: u32, generation: i64): void {
  raiseTo(asidGen(block, asid), generation);
}

/** Kills every entry of every VMID. */
export function killAll(smmu: usize): void {
  atomic.add<i64>(smmu, 1, SMMU_AT_ALL_GEN);
}
