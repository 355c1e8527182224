// SPDX-License-Identifier: MIT
// Regions (layout/arm64-regions.ts): entering and leaving them, and placing them for the
// host.

import { ARM64_PAGE_CODE } from '../layout/arm64-records';
import {
  ARM64_ENTRY_FUNCTION,
  ARM64_ENTRY_LONGEST,
  ARM64_ENTRY_NUMBER,
  ARM64_ENTRY_RESUME,
  ARM64_REGION_FAR,
  ARM64_REGION_INTERPRET,
} from '../layout/arm64-regions';
import {
  ARM64_ACC,
  ARM64_DP,
  ARM64_LIMIT,
  ARM64_PC,
  ARM64_PC_OFFSET,
  ARM64_RECORD_FETCH,
  ARM64_TLB_FETCH,
  ARM64_TRAP_RECORD_AT,
} from '../layout/arm64-state';
import { decode } from './decode';
import { enterPage, fetchEntry, isFetchEntry } from './fetch';
import { HANDLER_REGION, HANDLER_RESUME } from './handlers';
import { passesSample, sampleAfterRegion } from './heat-samples';

/** A position in a page from which no branch is near. */
const NOWHERE: u32 = 0x40000000;

/** Whether the next record enters a region. */
export function isAtRegion(cpu: usize): bool {
  return load<u16>(load<usize>(cpu, ARM64_DP)) == HANDLER_REGION;
}

/** The entry of the region that a record enters, or 0. */
export function entryOf(record: usize): usize {
  return load<u16>(record) == HANDLER_REGION ? load<usize>(record, 4) : 0;
}

/** Makes the record that the region's record has replaced the next one, once. */
function setAside(cpu: usize): void {
  const dp = load<usize>(cpu, ARM64_DP);
  const entry = entryOf(dp);
  if (entry == 0) return;
  const offset = load<u64>(cpu, ARM64_PC_OFFSET) + u64(dp >> 1) - u64(entry >> 1);
  store<u64>(cpu, offset, ARM64_PC_OFFSET);
  store<usize>(cpu, load<usize>(cpu, ARM64_ACC) + dp - entry, ARM64_ACC);
  store<usize>(cpu, entry, ARM64_DP);
}

/** Finds the record of the PC in the block; false when that is left to the slow loop. */
function follow(cpu: usize): bool {
  const to = load<u64>(cpu, ARM64_PC);
  const count = load<usize>(cpu, ARM64_ACC);
  const entry = fetchEntry(cpu, to);
  if (!isFetchEntry(entry, to)) {
    // The state after a branch at record 0.
    store<u32>(cpu, 0, ARM64_TRAP_RECORD_AT);
    store<usize>(cpu, count - 8, ARM64_ACC);
    store<usize>(cpu, cpu + ARM64_RECORD_FETCH, ARM64_DP);
    return false;
  }
  const dp = enterPage(cpu, load<usize>(entry, ARM64_TLB_FETCH + 8), to);
  store<usize>(cpu, dp, ARM64_DP);
  store<usize>(cpu, count - dp, ARM64_ACC);
  return true;
}

/**
 * Runs regions, starting with the one that the next record enters, if any, until the
 * interpreter has to execute a record.
 */
export function runRegions(cpu: usize): void {
  while (true) {
    const dp = load<usize>(cpu, ARM64_DP);
    const entry = entryOf(dp);
    if (entry == 0) return;
    const count = load<u32>(cpu, ARM64_ACC) + u32(dp);
    // Near the end of the slice the interpreter continues: it checks the limit at the
    // same instructions with or without regions.
    const most = count + load<u32>(entry, ARM64_ENTRY_LONGEST);
    if (most > load<u32>(cpu, ARM64_LIMIT) && !passesSample(cpu, most)) break;
    const left = call_indirect<u32>(
      load<u32>(entry, ARM64_ENTRY_FUNCTION),
      cpu,
      load<u32>(entry, ARM64_ENTRY_NUMBER),
    );
    if (left == ARM64_REGION_INTERPRET) break;
    if (left == ARM64_REGION_FAR && !follow(cpu)) return;
    sampleAfterRegion(cpu);
  }
  setAside(cpu);
}

/**
 * Makes the record of the instruction `at` bytes after the start of its page enter a
 * region. The other words of the entry have been filled.
 */
export function placeEntry(base: usize, at: u32, entry: usize): void {
  const record = base + (at << 1);
  decode(load<u32>(load<usize>(base - ARM64_PAGE_CODE) + at), entry, NOWHERE);
  store<u64>(entry, HANDLER_RESUME | (u64(record + 8) << 32), ARM64_ENTRY_RESUME);
  store<u64>(record, HANDLER_REGION | (u64(entry) << 32));
}
