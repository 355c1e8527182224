// SPDX-License-Identifier: MIT
// Device table entries. None is cached: each access reads its entry, so
// INVALIDATE_DEVTAB_ENTRY has nothing to drop here.

import { THREAD } from '../imports/unit';
import { AMD_AT_DEVICE_TABLE } from '../layout/amd-block';
import {
  AMD_DEVICE_TABLE_SIZE,
  AMD_DTE_GCR3_A,
  AMD_DTE_GCR3_B,
  AMD_DTE_GCR3_C,
  AMD_DTE_GUEST_ID,
  AMD_DTE_ROOT_HI,
  AMD_DTE_ROOT_LO,
  AMD_DTE_SIZE,
  AMD_DTE_VIOMMU,
  AMD_GUESTS,
} from '../layout/amd-formats';
import { THREAD_STE } from '../layout/thread-memory';
import { bits, fieldAt } from '../lib/fields';
import { copyFrom, loadAt, locate, NOWHERE } from '../smmu-core/physical-memory';

const PAGE_MASK: u64 = 0x000ffffffffff000;

/**
 * Address of the unit's copy of an entry, in THREAD_STE. All functions below use the
 * copy, and only `loadDte` changes it.
 */
export function dteCopy(): usize {
  return THREAD + THREAD_STE;
}

function placeOf(iommu: usize, device: u32): i64 {
  const base = atomic.load<u64>(iommu, AMD_AT_DEVICE_TABLE);
  const pages = bits(u32(base), AMD_DEVICE_TABLE_SIZE) + 1;
  if (device >= pages * (4096 / AMD_DTE_SIZE)) return NOWHERE;
  return locate((base & PAGE_MASK) + u64(device) * AMD_DTE_SIZE, AMD_DTE_SIZE);
}

/**
 * Copies a device's entry into THREAD_STE, reading each word once. False when the table
 * has none.
 */
export function loadDte(iommu: usize, device: u32): bool {
  const place = placeOf(iommu, device);
  if (place == NOWHERE) return false;
  copyFrom(place, dteCopy(), AMD_DTE_SIZE / 8);
  return true;
}

/** True when the entry in memory still equals the copy. */
export function dteUnchanged(iommu: usize, device: u32): bool {
  const place = placeOf(iommu, device);
  if (place == NOWHERE) return false;
  for (let i = 0; i < AMD_DTE_SIZE; i += 8)
    if (loadAt(place + i64(i)) != load<u64>(dteCopy() + i)) return false;
  return true;
}

/** Root of the host's table, from the copy. */
export function hostRoot(): u64 {
  return (
    (u64(fieldAt(dteCopy(), AMD_DTE_ROOT_HI)) << 32) |
    u64(fieldAt(dteCopy(), AMD_DTE_ROOT_LO) << 12)
  );
}

/** gpa of the GCR3 table, from the copy. */
export function gcr3Table(): u64 {
  const dte = dteCopy();
  return (
    (u64(fieldAt(dte, AMD_DTE_GCR3_C)) << 31) |
    (u64(fieldAt(dte, AMD_DTE_GCR3_B)) << 15) |
    (u64(fieldAt(dte, AMD_DTE_GCR3_A)) << 12)
  );
}

/** The guest that an entry belongs to, 0 for the host. */
export function guestOf(dte: usize): u32 {
  if (!fieldAt(dte, AMD_DTE_VIOMMU)) return 0;
  const guest = fieldAt(dte, AMD_DTE_GUEST_ID);
  return guest < <u32>AMD_GUESTS ? guest : 0;
}
