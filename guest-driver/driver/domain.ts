// SPDX-License-Identifier: MIT
// Domains: address spaces of devices, like Linux's struct iommu_domain. Each has its
// stage 1 tables, its CD and its ASID.

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
   * Attaches a stream that aborts, as all do at first, to this domain, which may have
   * several. Detach a stream of another domain first (`detachStream`).
   * @param sid StreamID, from the device table.
   * @returns RESULT_OK; RESULT_BAD_ARGUMENT beyond the stream table; RESULT_TIMEOUT.
   */
  attach(sid: u32): i32 {
    return attachStage1(sid, this.cd, 0);
  }

  /**
   * Maps pages of 4 KiB. Devices can access them at once: TLBs do not contain entries for
   * unmapped pages. Pages that were mapped before a failure stay mapped.
   * @param iova of the first page, below 1 << 48.
   * @param gpa of its memory.
   * @returns RESULT_OK; RESULT_BAD_ARGUMENT unless both are aligned to a page and in
   *   range; RESULT_EXISTS; RESULT_NO_MEMORY.
   */
  map(iova: u64, gpa: u64, pages: u32, writable: bool): i32 {
    return mapPages(this.table, iova, gpa, pages, writable);
  }

  /**
   * Unmaps pages of 4 KiB: clears their descriptors, invalidates the TLB, waits for
   * completion. The memory may be reused only after it has returned RESULT_OK. Pages that
   * are not mapped are not an error.
   * @returns RESULT_OK; RESULT_BAD_ARGUMENT; RESULT_TIMEOUT.
   */
  unmap(iova: u64, pages: u32): i32 {
    if (!isIovaRange(iova, pages)) return RESULT_BAD_ARGUMENT;
    unmapPages(this.table, iova, pages);
    return invalidatePages(this.asid, iova, pages);
  }
}

/**
 * Creates a domain that maps nothing.
 * @param asid 1 to 255 (65535 where IDR0.ASID16 is set), not used by another domain.
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
