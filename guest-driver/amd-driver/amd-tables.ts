// SPDX-License-Identifier: MIT
// Guest translation of an AMD IOMMU: a device table entry with a one-level GCR3 table,
// and four-level page tables.

import {
  AMD_DTE_DOMAIN,
  AMD_DTE_GCR3_A,
  AMD_DTE_GCR3_B,
  AMD_DTE_GCR3_C,
  AMD_DTE_GIOV,
  AMD_DTE_GV,
  AMD_DTE_IR,
  AMD_DTE_IW,
  AMD_DTE_PPR,
  AMD_DTE_SIZE,
  AMD_DTE_TV,
  AMD_DTE_V,
} from '../../assembly/layout/amd-formats';
import { RESULT_EXISTS, RESULT_NO_MEMORY, RESULT_OK } from '../driver/result';
import { gpaOf, offsetOfGpa } from '../runtime/abi';
import { storeField } from '../runtime/guest-fields';
import { allocate } from '../runtime/pages';
import { amdDriver, hasPageRequests } from './amd-driver-state';
import { completeCommands, putInvalidateEntry } from './command-buffer';

const PAGE: usize = 4096;
const PRESENT: u64 = 1;
const WRITABLE: u64 = 2;
const USER: u64 = 4;
const ADDRESS: u64 = 0x000ffffffffff000;

/**
 * Allocates a GCR3 table with page tables for PASID 0.
 * @returns its memory offset, 0 when memory is exhausted.
 */
export function allocateGcr3(): usize {
  const gcr3 = allocate(PAGE, PAGE);
  const root = allocate(PAGE, PAGE);
  if (gcr3 == 0 || root == 0) return 0;
  store<u64>(gcr3, <u64>gpaOf(root) | PRESENT);
  return gcr3;
}

/**
 * Memory offset of the last-level entry of an iova of PASID 0; 0 without a table for it,
 * or when memory is exhausted.
 */
function entryOf(gcr3: usize, iova: u64, make: bool): usize {
  let table = offsetOfGpa(<u32>(load<u64>(gcr3) & ADDRESS));
  let level: u32 = 4;
  while (true) {
    const entry = table + <usize>(((iova >> <u64>(3 + 9 * level)) & 0x1ff) << 3);
    if (level == 1) return entry;
    if ((load<u64>(entry) & PRESENT) == 0) {
      const next = make ? allocate(PAGE, PAGE) : 0;
      if (next == 0) return 0;
      atomic.store<u64>(entry, <u64>gpaOf(next) | PRESENT | WRITABLE | USER);
    }
    table = offsetOfGpa(<u32>(load<u64>(entry) & ADDRESS));
    level--;
  }
}

/** Maps pages of 4 KiB. */
export function mapAmdPages(gcr3: usize, iova: u64, gpa: u32, pages: u32, writable: bool): i32 {
  for (let page: u32 = 0; page < pages; page++) {
    const entry = entryOf(gcr3, iova + ((<u64>page) << 12), true);
    if (entry == 0) return RESULT_NO_MEMORY;
    if ((load<u64>(entry) & PRESENT) != 0) return RESULT_EXISTS;
    atomic.store<u64>(
      entry,
      <u64>(gpa + (page << 12)) | PRESENT | USER | (writable ? WRITABLE : 0),
    );
  }
  return RESULT_OK;
}

/** Unmaps a page without an invalidation. @returns whether it was mapped. */
export function unmapAmdPage(gcr3: usize, iova: u64): bool {
  const entry = entryOf(gcr3, iova, false);
  if (entry == 0 || (load<u64>(entry) & PRESENT) == 0) return false;
  atomic.store<u64>(entry, 0);
  return true;
}

/** Attaches a device to guest tables, under a DomainID of the guest's. */
export function attachGcr3(device: u32, gcr3: usize, domain: u32): i32 {
  const dte = amdDriver().deviceTable + <usize>device * AMD_DTE_SIZE;
  const gpa = gpaOf(gcr3);
  storeField(dte, AMD_DTE_DOMAIN, domain);
  storeField(dte, AMD_DTE_GCR3_A, gpa >> 12);
  storeField(dte, AMD_DTE_GCR3_B, gpa >> 15);
  storeField(dte, AMD_DTE_GCR3_C, gpa >> 31);
  storeField(dte, AMD_DTE_PPR, hasPageRequests() ? 1 : 0);
  storeField(dte, AMD_DTE_GIOV, 1);
  storeField(dte, AMD_DTE_GV, 1);
  storeField(dte, AMD_DTE_IR, 1);
  storeField(dte, AMD_DTE_IW, 1);
  storeField(dte, AMD_DTE_TV, 1);
  storeField(dte, AMD_DTE_V, 1);
  putInvalidateEntry(device);
  return completeCommands();
}
