// SPDX-License-Identifier: MIT
// TLB invalidation of stage 1 mappings, required between an unmap and the reuse of its
// memory.

import { IDR3_RIL } from '../../assembly/layout/smmu-registers';
import { bitsOf } from '../runtime/guest-fields';
import { beginBatch, nextCommand, submitBatch } from './batch';
import { buildTlbiNhAsid, buildTlbiNhVa, buildTlbiNhVaRange } from './build-commands';
import { smmu } from './smmu';

const PAGE_SHIFT = 12;
/** NUM counts up to 32 pages of a scale. */
const NUM_MASK = 31;

/** Adds the invalidation of one page to the batch. */
export function addPage(asid: u32, iova: u64): void {
  if (bitsOf(smmu().idr3, IDR3_RIL) != 0) buildTlbiNhVaRange(nextCommand(), asid, iova, 1, 0);
  else buildTlbiNhVa(nextCommand(), 0, asid, iova);
}

/**
 * Adds the invalidation of `pages` pages to the batch. With range invalidation one
 * command covers up to 31 pages times a power of two, lowest powers first; without it
 * each page needs a command.
 */
export function addPages(asid: u32, iova: u64, pages: u32): void {
  if (bitsOf(smmu().idr3, IDR3_RIL) == 0) {
    for (let page: u32 = 0; page < pages; page++)
      buildTlbiNhVa(nextCommand(), 0, asid, iova + ((<u64>page) << PAGE_SHIFT));
    return;
  }
  for (let rest = pages; rest != 0; ) {
    const scale = ctz(rest);
    const number = (rest >> scale) & NUM_MASK;
    buildTlbiNhVaRange(nextCommand(), asid, iova, number, scale);
    rest -= number << scale;
    iova += (<u64>number) << (PAGE_SHIFT + scale);
  }
}

/** Invalidates `pages` pages and waits for completion. */
export function invalidatePages(asid: u32, iova: u64, pages: u32): i32 {
  beginBatch();
  addPages(asid, iova, pages);
  return submitBatch();
}

/** Invalidates all entries of an ASID and waits for completion. */
export function invalidateAsid(asid: u32): i32 {
  beginBatch();
  buildTlbiNhAsid(nextCommand(), 0, asid);
  return submitBatch();
}
