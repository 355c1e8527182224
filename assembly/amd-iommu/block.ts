// SPDX-License-Identifier: MIT
// Addresses in the block of an AMD IOMMU, and the pointers of a command buffer and event
// log, which may be mapped into the guest.

import { WINDOW } from '../imports/unit';
import { AMD_CTX_POINTERS } from '../layout/amd-block';
import { AMD_VF_PAGE } from '../layout/amd-formats';
import { CTX_PAGE0, CTX_STRIDE, CTX_WINDOW, SMMU_AT_CONTEXTS } from '../layout/context-memory';
import { loadAt, NOWHERE, storeAt } from '../smmu-core/physical-memory';

export function contextOf(iommu: usize, guest: u32): usize {
  return iommu + SMMU_AT_CONTEXTS + guest * CTX_STRIDE;
}

/** True when this unit reaches the guest's memory. */
export function reaches(context: usize): bool {
  const window = load<u32>(context, CTX_WINDOW);
  return window == 0 || window == u32(WINDOW);
}

/** Location of the pointers, in the format of `locate`. */
export function pointersOf(context: usize): i64 {
  const page = atomic.load<u32>(context, CTX_PAGE0);
  if (page == 0) return i64(context + AMD_CTX_POINTERS);
  return reaches(context) ? ((<i64>1) << 32) | i64(page) : NOWHERE;
}

/**
 * Reads a pointer as an index of entries: bits 18 to 4. `register` is its MMIO offset.
 */
export function readPointer(pointers: i64, register: u32, mask: u32): u32 {
  return (u32(loadAt(pointers + (register - AMD_VF_PAGE))) >> 4) & mask;
}

export function writePointer(pointers: i64, register: u32, index: u32): void {
  storeAt(pointers + (register - AMD_VF_PAGE), u64(index << 4));
}
