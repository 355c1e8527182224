// SPDX-License-Identifier: MIT
// Invalidation of the soft TLBs. Their entries are of 4 KiB regardless of the mapping,
// and have no ASID: a change of ASID drops the entries that it concerns.

import {
  ARM64_TLB,
  ARM64_TLB_BLOCKS,
  ARM64_TLB_BLOCKS_SIZE,
  ARM64_TLB_FETCH,
  ARM64_TLB_INVALID,
  ARM64_TLB_SIZE,
  ARM64_TLB_STRIDE,
  ARM64_TLB_USED,
  ARM64_TLB_WRITE,
} from '../layout/arm64-state';

const USED_EL0: u32 = 1;
const USED_LOWER: u32 = 2;
const USED_HUGE: u32 = 4;
const USED: u32 = 8;

function empty(cpu: usize, el: usize): void {
  const start = cpu + ARM64_TLB + el * ARM64_TLB_STRIDE;
  for (let entry = start; entry < start + ARM64_TLB_SIZE; entry += 16)
    store<u64>(entry, ARM64_TLB_INVALID);
}

/** Drops every translation, without checking whether there is any. */
export function flushAll(cpu: usize): void {
  empty(cpu, 0);
  empty(cpu, 1);
  store<u32>(cpu, 0, ARM64_TLB_USED);
  memory.fill(cpu + ARM64_TLB_BLOCKS, 0, ARM64_TLB_BLOCKS_SIZE);
}

/**
 * Drops every translation, if there is any: the TLBs of a vCPU that sleeps may be empty.
 */
export function flushUsed(cpu: usize): void {
  if (load<u32>(cpu, ARM64_TLB_USED) != 0) flushAll(cpu);
}

/** Drops the translations that may depend on TTBR0_EL1 or on an ASID. */
export function flushLower(cpu: usize): void {
  const used = load<u32>(cpu, ARM64_TLB_USED);
  if ((used & USED_EL0) != 0) empty(cpu, 0);
  if ((used & USED_LOWER) != 0) empty(cpu, 1);
  store<u32>(cpu, used & (USED_HUGE | USED), ARM64_TLB_USED);
}

/** Records an entry for a mapping of 1 << shift bytes, so that invalidations find it. */
export function noteEntry(cpu: usize, va: u64, el: u32, shift: u32): void {
  let used = load<u32>(cpu, ARM64_TLB_USED) | USED;
  if (el == 0) used |= USED_EL0;
  else if (((va >> 55) & 1) == 0) used |= USED_LOWER;
  if (shift > 21) used |= USED_HUGE;
  else if (shift > 12) {
    const block = u32(va >> 21) & 1023;
    const at = cpu + ARM64_TLB_BLOCKS + ((block >> 5) << 2);
    store<u32>(at, load<u32>(at) | (1 << (block & 31)));
  }
  store<u32>(cpu, used, ARM64_TLB_USED);
}

function drop(cpu: usize, va: u64): void {
  for (let el: usize = 0; el < 2; el++) {
    const tlb = cpu + ARM64_TLB + el * ARM64_TLB_STRIDE;
    const entry = tlb + ((usize(va) >> 8) & 0x3ff0);
    store<u64>(entry, ARM64_TLB_INVALID);
    store<u64>(entry, ARM64_TLB_INVALID, ARM64_TLB_WRITE);
    store<u64>(tlb + ((usize(va) >> 8) & 0xff0), ARM64_TLB_INVALID, ARM64_TLB_FETCH);
  }
}

/**
 * Drops the translations of an address: those of its whole mapping, if that is larger
 * than an entry.
 */
export function flushAddress(cpu: usize, va: u64): void {
  const block = u32(va >> 21) & 1023;
  const hasBlocks = (load<u32>(cpu + ARM64_TLB_BLOCKS + ((block >> 5) << 2)) >> (block & 31)) & 1;
  if (hasBlocks != 0 || (load<u32>(cpu, ARM64_TLB_USED) & USED_HUGE) != 0) flushAll(cpu);
  else drop(cpu, va);
}
