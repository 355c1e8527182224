// SPDX-License-Identifier: MIT
// Domains: address spaces of devices, as Linux's struct iommu_domain. Each has its stage-1 tables,
// its CD and its ASID.

import { allocate } from '../runtime/pages';
import { invalidatePages } from './invalidate-pages';
import { RESULT_BAD_ARGUMENT } from './result';
import { allocateContextDescriptors, writeContextDescriptor } from './stage1-cd';
import { allocateTable, isIovaRange, mapPages, unmapPages } from './stage1-table';
import { attachStage1 } from './stream-table';

export class Domain {
  /** Memory offset of the level-0 table and of the CD. */
  table: usize = 0;
  cd: usize = 0;
  asid: u32 = 0;

  /**
   * Lets a stream that aborts, as all do at first, translate by this domain; several may. A stream
   * of another domain is detached first (`detachStream`).
   * @param sid StreamID, of the device table.
   * @returns RESULT_OK; RESULT_BAD_ARGUMENT beyond the stream table; RESULT_TIMEOUT.
   */
  attach(sid: u32): i32 {
    return attachStage1(sid, this.cd, 0);
  }

  /**
   * Maps pages of 4 KiB. A device sees them from now on: what was not mapped is in no TLB.
   * What was mapped before a failure stays mapped.
   * @param iova of the first page, below 1 << 48. @param gpa of its memory.
   * @returns RESULT_OK; RESULT_BAD_ARGUMENT unless both are aligned to a page and in range;
   *   RESULT_EXISTS; RESULT_NO_MEMORY.
   */
  map(iova: u64, gpa: u64, pages: u32, writable: bool): i32 {
    return mapPages(this.table, iova, gpa, pages, writable);
  }

  /**
   * Takes pages of 4 KiB away: clears their descriptors, invalidates the TLB, waits for completion.
   * Only when it has returned RESULT_OK may the memory be used for something else. Pages that were
   * not mapped are no error.
   * @returns RESULT_OK; RESULT_BAD_ARGUMENT; RESULT_TIMEOUT.
   */
  unmap(iova: u64, pages: u32): i32 {
    if (!isIovaRange(iova, pages)) return RESULT_BAD_ARGUMENT;
    unmapPages(this.table, iova, pages);
    return invalidatePages(this.asid, iova, pages);
  }
}

/**
 * A domain that maps nothing.
 * @param asid 1 to 255 (65535 where IDR0.ASID16 is set), of no other domain.
 * @returns null when memory is exhausted.
 */
export function createDomain(asid: u32): Domain | null {
  const domain = changetype<Domain>(allocate(offsetof<Domain>(), 64));
  if (changetype<usize>(domain) == 0) return null;
  domain.asid = asid;
  domain.table = allocateTable();
  domain.cd = allocateContextDescriptors(0);
  if (domain.table == 0 || domain.cd == 0) return null;
  writeContextDescriptor(domain.cd, domain.table, asid);
  return domain;
}
