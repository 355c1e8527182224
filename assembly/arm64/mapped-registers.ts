// SPDX-License-Identifier: MIT
// Device registers that memory backs (layout/arm64-map-table.ts). The table is read at
// each access, and nothing else runs on the vCPU's thread between the lookup and the
// access, so a range that the host revokes is not used again.

import { doorbell } from '../imports/board';
import {
  ARM64_MAP_AT,
  ARM64_MAP_COUNT,
  ARM64_MAP_DOORBELL,
  ARM64_MAP_GPA,
  ARM64_MAP_LENGTH,
  ARM64_MAP_RINGS,
  ARM64_MAP_SIZE,
  ARM64_MAPS_FIRST,
  ARM64_MAX_MAPS,
} from '../layout/arm64-map-table';
import {
  ARM64_EXIT_REQUEST,
  ARM64_LIMIT,
  ARM64_MAPS,
  ARM64_MMIO_VALUE,
} from '../layout/arm64-state';

/**
 * Entry of the direct map that covers an access, or 0. Only aligned accesses of 4 or 8
 * bytes use a map; all others go to the device.
 */
export function directMapOf(cpu: usize, pa: u64, size: u32): usize {
  const table = load<usize>(cpu, ARM64_MAPS);
  if (table == 0 || size < 4 || (pa & u64(size - 1)) != 0) return 0;
  const count = min<u32>(load<u32>(table, ARM64_MAP_COUNT), ARM64_MAX_MAPS);
  for (let i: u32 = 0; i < count; i++) {
    const map = table + ARM64_MAPS_FIRST + i * ARM64_MAP_SIZE;
    const length = u64(atomic.load<u32>(map + ARM64_MAP_LENGTH));
    const offset = pa - load<u64>(map, ARM64_MAP_GPA);
    // The comparison is unsigned, so it also fails below the range, and for a free entry.
    if (offset < length && length - offset >= u64(size)) return map;
  }
  return 0;
}

function offsetOf(map: usize, pa: u64): u32 {
  return u32(pa - load<u64>(map, ARM64_MAP_GPA));
}

/** Reads 4 or 8 bytes into ARM64_MMIO_VALUE. */
export function readMap(cpu: usize, map: usize, pa: u64, size: u32): void {
  const at: usize = load<u32>(map, ARM64_MAP_AT) + offsetOf(map, pa);
  const value = size == 8 ? atomic.load<u64>(at) : u64(atomic.load<u32>(at));
  store<u64>(cpu, value, ARM64_MMIO_VALUE);
}

/**
 * Writes 4 or 8 bytes from ARM64_MMIO_VALUE, and rings the doorbell. The store is atomic
 * so that whoever sees it also sees the stores before it (the commands of a batch).
 */
export function writeMap(cpu: usize, map: usize, pa: u64, size: u32): void {
  const offset = offsetOf(map, pa);
  const at: usize = load<u32>(map, ARM64_MAP_AT) + offset;
  if (size == 8) atomic.store<u64>(at, load<u64>(cpu, ARM64_MMIO_VALUE));
  else atomic.store<u32>(at, load<u32>(cpu, ARM64_MMIO_VALUE));
  if (atomic.load<u32>(map + ARM64_MAP_RINGS) == 0) return;
  doorbell(load<u32>(map, ARM64_MAP_DOORBELL), offset);
  // The queue needs the host: the next taken branch leaves the run.
  if (atomic.load<u32>(cpu + ARM64_EXIT_REQUEST) != 0) atomic.store<u32>(cpu + ARM64_LIMIT, 0);
}
