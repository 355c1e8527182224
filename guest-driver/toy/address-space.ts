// SPDX-License-Identifier: MIT
// The toy's one address space: its buffers as seen by the CPU and by the DMA engine.

import { RESULT_NO_MEMORY, RESULT_OK } from '../driver/result';
import { allocateContextDescriptors, writeContextDescriptor } from '../driver/stage1-cd';
import { allocateTable, IOVA_PAGE_SIZE, mapPages } from '../driver/stage1-table';
import { gpaOf } from '../runtime/abi';
import { allocate } from '../runtime/pages';
import { toy } from './toy-state';

export const ASID = 1;
/** iovas of the buffers, all above 4 GiB so that losing half of an address is noticed. */
export const SOURCE_IOVA: u64 = 0x100000000;
export const TARGET_IOVA: u64 = 0x140000000;
/** Mapped and in the TLB while other machines attack this one. */
export const LIVE_IOVA: u64 = 0x180000000;
/** Pages that the measurement maps and unmaps. */
export const SCRATCH_IOVA: u64 = 0x7fc000000000;
export const BUFFER_PAGES = 4;
export const LIVE_PAGES = 8;
export const LIVE_PATTERN: u32 = 0x6c697665;

/** Fills memory with one 32-bit word. */
export function fillWords(start: usize, value: u32, bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += 4) store<u32>(start + i, value);
}

/** Allocates table, CD and buffers, and maps the buffers of the copies. */
export function buildAddressSpace(): i32 {
  const state = toy();
  const page: usize = IOVA_PAGE_SIZE;
  state.table = allocateTable();
  state.cd = allocateContextDescriptors(0);
  state.source = allocate(<usize>BUFFER_PAGES * page, page);
  state.target = allocate(<usize>BUFFER_PAGES * page, page);
  state.live = allocate(<usize>LIVE_PAGES * page, page);
  state.scratch = allocate(page, page);
  if (state.table == 0 || state.cd == 0 || state.source == 0 || state.target == 0)
    return RESULT_NO_MEMORY;
  if (state.live == 0 || state.scratch == 0) return RESULT_NO_MEMORY;
  writeContextDescriptor(state.cd, state.table, ASID);
  // The source is read-only to the device, as a transmit buffer is.
  const result = mapPages(state.table, SOURCE_IOVA, gpaOf(state.source), BUFFER_PAGES, false);
  if (result != RESULT_OK) return result;
  return mapPages(state.table, TARGET_IOVA, gpaOf(state.target), BUFFER_PAGES, true);
}
