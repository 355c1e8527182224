// SPDX-License-Identifier: MIT
// The table of directly mapped ranges (docs/guest-abi.md). These functions have no state
// of their own, because secondary vCPUs use them, too.

import {
  ABI_AT_DRAIN_SLEEPING,
  ABI_AT_DRAIN_WAKE,
  ABI_AT_MAP_COUNT,
  ABI_AT_MAPS,
  ABI_MAP_FLAG_DOORBELL,
  ABI_MAP_FLAGS,
  ABI_MAP_GPA,
  ABI_MAP_LENGTH,
  ABI_MAP_SIZE,
  ABI_MAX_MAPS,
} from '../../assembly/layout/guest-abi';

/** Table entry of the directly mapped range that contains a gpa, 0 when there is none. */
export function directMapOf(gpa: u32): usize {
  const count = min<u32>(load<u32>(0, ABI_AT_MAP_COUNT), ABI_MAX_MAPS);
  for (let i: u32 = 0; i < count; i++) {
    const entry: usize = ABI_AT_MAPS + i * ABI_MAP_SIZE;
    // The comparison is unsigned: also false below the range, and for a free slot, whose
    // length is 0.
    if (gpa - load<u32>(entry, ABI_MAP_GPA) < load<u32>(entry, ABI_MAP_LENGTH)) return entry;
  }
  return 0;
}

/** Byte offset of a gpa in the range of an entry. */
export function offsetInRange(entry: usize, gpa: u32): u32 {
  return gpa - load<u32>(entry, ABI_MAP_GPA);
}

/**
 * True when the drain runs on a separate thread, which sees stores to this gpa without a
 * doorbell.
 */
export function drainedElsewhere(gpa: u32): bool {
  const entry = directMapOf(gpa);
  return entry != 0 && (load<u32>(entry, ABI_MAP_FLAGS) & ABI_MAP_FLAG_DOORBELL) == 0;
}

/**
 * Wakes the drain's thread if it sleeps. That thread checks the queues once more after it
 * has announced its sleep.
 */
export function wakeDrain(): void {
  if (
    atomic.load<u32>(0, ABI_AT_DRAIN_SLEEPING) == 0 ||
    atomic.xchg<u32>(0, 0, ABI_AT_DRAIN_SLEEPING) == 0
  )
    return;
  atomic.add<u32>(0, 1, ABI_AT_DRAIN_WAKE);
  atomic.notify(ABI_AT_DRAIN_WAKE, -1);
}
