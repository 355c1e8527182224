// SPDX-License-Identifier: MIT
// Compare-and-swap of 16 bytes, for which WebAssembly has no operation: one half after
// the other. On one thread that is exact. Between threads each pair has a lock that all
// such operations of the machine acquire, so that they are exact among each other. A
// store of 8 bytes by another instruction between the two halves is not lost: the swap is
// reverted and tried again, and another vCPU may have seen its first half
// (docs/limits.md).

import { ARM64_BUFFER, ARM64_PAIR_LOCK_COUNT, ARM64_PAIR_LOCKS } from '../layout/arm64-state';
import { isThreaded } from './inboxes';
import { peerOf } from './peers';

/**
 * Swaps one half after the other; reverts the first if the second has changed in the
 * meantime.
 */
function swapHalves(at: usize, oldLow: u64, oldHigh: u64, low: u64, high: u64): bool {
  if (atomic.cmpxchg<u64>(at, oldLow, low) != oldLow) return false;
  if (atomic.cmpxchg<u64>(at + 8, oldHigh, high) == oldHigh) return true;
  atomic.cmpxchg<u64>(at, low, oldLow);
  return false;
}

function swap(cpu: usize, at: usize, oldLow: u64, oldHigh: u64, low: u64, high: u64): bool {
  do {
    const foundLow = atomic.load<u64>(at);
    const foundHigh = atomic.load<u64>(at + 8);
    store<u64>(cpu, foundLow, ARM64_BUFFER);
    store<u64>(cpu, foundHigh, ARM64_BUFFER + 8);
    if (foundLow != oldLow || foundHigh != oldHigh) return false;
    // Retried while the values match: CASP shows by its result whether they did.
  } while (!swapHalves(at, oldLow, oldHigh, low, high));
  return true;
}

/**
 * Replaces 16 bytes at an aligned host address if they are as expected. Stores the old
 * value in ARM64_BUFFER. Nothing makes the vCPU exit while it holds the lock.
 */
export function swapPair(
  cpu: usize,
  at: usize,
  expectedLow: u64,
  expectedHigh: u64,
  low: u64,
  high: u64,
): bool {
  if (!isThreaded(cpu)) return swap(cpu, at, expectedLow, expectedHigh, low, high);
  const number = (at >> 4) & (ARM64_PAIR_LOCK_COUNT - 1);
  const lock = peerOf(cpu, 0) + ARM64_PAIR_LOCKS + (number << 2);
  while (atomic.cmpxchg<u32>(lock, 0, 1) != 0) {
    // The lock is held for a few instructions.
  }
  const done = swap(cpu, at, expectedLow, expectedHigh, low, high);
  atomic.store<u32>(lock, 0);
  return done;
}
