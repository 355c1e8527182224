// SPDX-License-Identifier: MIT
// Stage 1 translation tables: four levels of 4 KiB tables, 48-bit iova, 4 KiB pages
// (VMSAv8-64). Tables are never freed.

import {
  PTE_S1_PAGE_RO,
  PTE_S1_PAGE_RW,
  PTE_TYPE,
  PTE_TYPE_TABLE,
  PTE_VALID,
} from '../../assembly/layout/descriptors';
import { gpaOf, offsetOfGpa } from '../runtime/abi';
import { bitsOf, place } from '../runtime/guest-fields';
import { allocate } from '../runtime/pages';
import { RESULT_BAD_ARGUMENT, RESULT_EXISTS, RESULT_NO_MEMORY, RESULT_OK } from './result';

export const IOVA_PAGE_SIZE = 4096;
const PAGE_SHIFT = 12;
const TABLE_SIZE: usize = 4096;
const BITS_PER_LEVEL = 9;
const LAST_LEVEL = 3;
const INPUT_BITS: u64 = 48;
/** Address bits of a descriptor. */
const DESCRIPTOR_ADDRESS: u64 = 0x0000fffffffff000;

/**
 * True for `pages` pages of 4 KiB from `iova`, if `iova` is page-aligned and they end
 * within 48 bits.
 */
export function isIovaRange(iova: u64, pages: u32): bool {
  const end: u64 = (<u64>1) << INPUT_BITS;
  // Compares the remaining size, because the sum could wrap.
  return (
    (iova & (IOVA_PAGE_SIZE - 1)) == 0 && iova <= end && (<u64>pages) << PAGE_SHIFT <= end - iova
  );
}

/** Allocates an empty level 0 table; 0 when memory is exhausted. */
export function allocateTable(): usize {
  return allocate(TABLE_SIZE, TABLE_SIZE);
}

function entryOf(table: usize, iova: u64, level: i32): usize {
  const shift = PAGE_SHIFT + BITS_PER_LEVEL * (LAST_LEVEL - level);
  return table + ((<usize>(iova >> shift) & 511) << 3);
}

/**
 * Memory offset of the level 3 entry of an iova. 0 when there is none and `create` is
 * false, or when memory is exhausted.
 */
export function leafOf(root: usize, iova: u64, create: bool): usize {
  let table = root;
  for (let level = 0; level < LAST_LEVEL; level++) {
    const entry = entryOf(table, iova, level);
    const descriptor = load<u64>(entry);
    if (bitsOf(<u32>descriptor, PTE_VALID) != 0) {
      table = offsetOfGpa(<u32>(descriptor & DESCRIPTOR_ADDRESS));
      if (table == 0) return 0;
      continue;
    }
    if (!create) return 0;
    table = allocateTable();
    if (table == 0) return 0;
    // The SMMU reads a descriptor as one 64-bit word; the table that it points to must be
    // complete before.
    atomic.store<u64>(entry, <u64>gpaOf(table) | place(PTE_TYPE, PTE_TYPE_TABLE));
  }
  return entryOf(table, iova, LAST_LEVEL);
}

/** The level 3 descriptor of an iova, 0 when it is not mapped. */
export function descriptorOf(root: usize, iova: u64): u64 {
  const leaf = leafOf(root, iova, false);
  return leaf == 0 ? 0 : load<u64>(leaf);
}

/**
 * Maps `pages` pages of 4 KiB from `iova` to the memory from `gpa`, both page-aligned.
 * Pages that were mapped before a failure stay mapped.
 */
export function mapPages(root: usize, iova: u64, gpa: u64, pages: u32, writable: bool): i32 {
  const attributes: u64 = writable ? PTE_S1_PAGE_RW : PTE_S1_PAGE_RO;
  const bytes = (<u64>pages) << PAGE_SHIFT;
  if (!isIovaRange(iova, pages) || (gpa & (IOVA_PAGE_SIZE - 1)) != 0) return RESULT_BAD_ARGUMENT;
  for (let offset: u64 = 0; offset < bytes; offset += IOVA_PAGE_SIZE) {
    const leaf = leafOf(root, iova + offset, true);
    if (leaf == 0) return RESULT_NO_MEMORY;
    if (bitsOf(load<u32>(leaf), PTE_VALID) != 0) return RESULT_EXISTS;
    atomic.store<u64>(leaf, (gpa + offset) | attributes);
  }
  return RESULT_OK;
}

/**
 * Clears the descriptors of `pages` pages from `iova`. The SMMU may continue to use its
 * TLB entries until the caller has invalidated them.
 * @returns the number of pages that were mapped; 0 unless `isIovaRange` accepts the
 *   range.
 */
export function unmapPages(root: usize, iova: u64, pages: u32): u32 {
  let cleared: u32 = 0;
  // Higher address bits would select the descriptor of another page.
  if (!isIovaRange(iova, pages)) return cleared;
  for (let page: u32 = 0; page < pages; page++) {
    const leaf = leafOf(root, iova + ((<u64>page) << PAGE_SHIFT), false);
    if (leaf == 0 || bitsOf(load<u32>(leaf), PTE_VALID) == 0) continue;
    atomic.store<u64>(leaf, 0);
    cleared++;
  }
  return cleared;
}
