// SPDX-License-Identifier: MIT
// Device registers by gpa. An access to a directly mapped range goes to guest memory,
// like an access through a stage 2 mapping; every other access is an exit.
//
// Each access looks the table up again, and no access spans a safe point. So a range that
// the host reclaims is never used after the new map epoch has been acknowledged
// (safe-point.ts).

import {
  ABI_MAP_DOORBELL,
  ABI_MAP_FLAG_DOORBELL,
  ABI_MAP_FLAGS,
  ABI_MAP_OFFSET,
} from '../../assembly/layout/guest-abi';
import { directMapOf, offsetInRange, wakeDrain } from './direct-map';
import { doorbell, mmio_read32, mmio_read64, mmio_write32, mmio_write64 } from './vsmmu';

/** One word: doorbell calls made so far. */
const DOORBELL_CALLS: usize = memory.data(4, 4);

/** Calls of the doorbell import so far; wraps. */
export function doorbellCalls(): u32 {
  return load<u32>(DOORBELL_CALLS);
}

function ring(entry: usize, offset: u32): void {
  if ((load<u32>(entry, ABI_MAP_FLAGS) & ABI_MAP_FLAG_DOORBELL) == 0) {
    wakeDrain();
    return;
  }
  store<u32>(DOORBELL_CALLS, load<u32>(DOORBELL_CALLS) + 1);
  doorbell(load<u32>(entry, ABI_MAP_DOORBELL), offset);
}

export function read32(gpa: u32): u32 {
  const entry = directMapOf(gpa);
  if (entry == 0) return mmio_read32(gpa);
  return atomic.load<u32>(load<u32>(entry, ABI_MAP_OFFSET) + offsetInRange(entry, gpa));
}

/**
 * Reads a register whose last value was `seen`. In a directly mapped range it reads up to
 * `reads` times until the value changes: there is no safe point in between, so the entry
 * stays valid, and each read costs one load.
 */
export function readChange32(gpa: u32, seen: u32, reads: u32): u32 {
  const entry = directMapOf(gpa);
  if (entry == 0) return mmio_read32(gpa);
  const register: usize = load<u32>(entry, ABI_MAP_OFFSET) + offsetInRange(entry, gpa);
  let value = atomic.load<u32>(register);
  for (let read: u32 = 1; value == seen && read < reads; read++) value = atomic.load<u32>(register);
  return value;
}

export function write32(gpa: u32, value: u32): void {
  const entry = directMapOf(gpa);
  if (entry == 0) {
    mmio_write32(gpa, value);
    return;
  }
  const offset = offsetInRange(entry, gpa);
  // The store is atomic, so that earlier stores (the commands of a batch) are visible to
  // every reader of this one.
  atomic.store<u32>(load<u32>(entry, ABI_MAP_OFFSET) + offset, value);
  ring(entry, offset);
}

export function read64(gpa: u32): u64 {
  const entry = directMapOf(gpa);
  if (entry == 0) return mmio_read64(gpa);
  return atomic.load<u64>(load<u32>(entry, ABI_MAP_OFFSET) + offsetInRange(entry, gpa));
}

export function write64(gpa: u32, value: u64): void {
  const entry = directMapOf(gpa);
  if (entry == 0) {
    mmio_write64(gpa, value);
    return;
  }
  const offset = offsetInRange(entry, gpa);
  atomic.store<u64>(load<u32>(entry, ABI_MAP_OFFSET) + offset, value);
  ring(entry, offset);
}
