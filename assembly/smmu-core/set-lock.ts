// SPDX-License-Identifier: MIT
// The sequence word of a cache set: one inserter at a time, readers that detect a change,
// invalidations that never wait.

import { THREAD_ID } from '../imports/unit';
import { SEQ_BUSY, SEQ_KILLED, SEQ_STEP, SEQ_THREAD_SHIFT } from '../layout/set-sequence';

/**
 * Locks the set. False when another inserter has locked it: the caller then does not
 * cache.
 */
export function takeSet(sequence: usize): bool {
  const seen = atomic.load<u32>(sequence);
  if (seen & SEQ_BUSY) return false;
  return atomic.cmpxchg<u32>(sequence, seen, busyForm(seen)) == seen;
}

// The sequence word of a set that this thread has locked, without SEQ_KILLED.
function busyForm(seen: u32): u32 {
  return (seen & ~(SEQ_STEP - 1)) | (u32(THREAD_ID - 1) << SEQ_THREAD_SHIFT) | SEQ_BUSY;
}

/**
 * Releases the set.
 * @returns false, with the set still locked, when an invalidation has visited it in the
 *   meantime: the caller must kill the entry it inserted, then call `freeSet`.
 */
export function releaseSet(sequence: usize): bool {
  const taken = busyForm(atomic.load<u32>(sequence));
  return atomic.cmpxchg<u32>(sequence, taken, (taken & ~(SEQ_STEP - 1)) + SEQ_STEP) == taken;
}

/** Releases the set, even if an invalidation has visited it in the meantime. */
export function freeSet(sequence: usize): void {
  atomic.store<u32>(sequence, (atomic.load<u32>(sequence) & ~(SEQ_STEP - 1)) + SEQ_STEP);
}

/**
 * Tells a thread that may be inserting into the set that its entry is stale. Never waits.
 */
export function markKilled(sequence: usize): void {
  let seen = atomic.load<u32>(sequence);
  while ((seen & (SEQ_BUSY | SEQ_KILLED)) == SEQ_BUSY) {
    const found = atomic.cmpxchg<u32>(sequence, seen, seen | SEQ_KILLED);
    if (found == seen) return;
    seen = found;
  }
}

/** True when a thread (index) has locked the set. */
export function heldBy(sequence: usize, thread: u32): bool {
  const seen = atomic.load<u32>(sequence);
  return (seen & SEQ_BUSY) != 0 && ((seen >> SEQ_THREAD_SHIFT) & 0x3f) == thread;
}
