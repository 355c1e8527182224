// Device registers by gpa. An access to a directly mapped range touches guest memory, as an access through a stage-2
// mapping would; every other access leaves the guest.
//
// The table is consulted anew at each access, and no access spans a safe point: a range that the host takes back is
// therefore never used again once the new map epoch has been acknowledged (safe-point.ts).

import {
  ABI_AT_DRAIN_SLEEPING,
  ABI_AT_DRAIN_WAKE,
  ABI_AT_MAP_COUNT,
  ABI_AT_MAPS,
  ABI_MAP_DOORBELL,
  ABI_MAP_FLAG_DOORBELL,
  ABI_MAP_FLAGS,
  ABI_MAP_GPA,
  ABI_MAP_LENGTH,
  ABI_MAP_OFFSET,
  ABI_MAP_SIZE,
  ABI_MAX_MAPS,
} from '../../assembly/layout/guest-abi';
import { doorbell, mmio_read32, mmio_read64, mmio_write32, mmio_write64 } from './vsmmu';

/** One word: doorbell calls made so far. */
const DOORBELL_CALLS: usize = memory.data(4, 4);

/** Calls of the doorbell import so far; wraps. */
export function doorbellCalls(): u32 {
  return load<u32>(DOORBELL_CALLS);
}

/** Table entry of the directly mapped range that holds a gpa, 0 when there is none. */
export function directMapOf(gpa: u32): usize {
  const count = min<u32>(load<u32>(0, ABI_AT_MAP_COUNT), ABI_MAX_MAPS);
  for (let i: u32 = 0; i < count; i++) {
    const entry: usize = ABI_AT_MAPS + i * ABI_MAP_SIZE;
    // Unsigned: false as well below the range and for a free slot, whose length is 0.
    if (gpa - load<u32>(entry, ABI_MAP_GPA) < load<u32>(entry, ABI_MAP_LENGTH)) return entry;
  }
  return 0;
}

function offsetInRange(entry: usize, gpa: u32): u32 {
  return gpa - load<u32>(entry, ABI_MAP_GPA);
}

/** True when the drain runs on a thread of its own, which sees stores to this gpa without a doorbell. */
export function drainedElsewhere(gpa: u32): bool {
  const entry = directMapOf(gpa);
  return entry != 0 && (load<u32>(entry, ABI_MAP_FLAGS) & ABI_MAP_FLAG_DOORBELL) == 0;
}

/** Wakes the drain's thread, if it has gone to sleep. It looks at the queues once more after it has said so. */
function wakeDrain(): void {
  if (atomic.load<u32>(0, ABI_AT_DRAIN_SLEEPING) == 0 || atomic.xchg<u32>(0, 0, ABI_AT_DRAIN_SLEEPING) == 0) return;
  atomic.add<u32>(0, 1, ABI_AT_DRAIN_WAKE);
  atomic.notify(ABI_AT_DRAIN_WAKE, -1);
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

export function write32(gpa: u32, value: u32): void {
  const entry = directMapOf(gpa);
  if (entry == 0) {
    mmio_write32(gpa, value);
    return;
  }
  const offset = offsetInRange(entry, gpa);
  // The store is atomic so that what was stored before it (the commands of a batch) is visible to whoever sees it.
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
