// SPDX-License-Identifier: MIT
// The sequence word of a cache set: one inserter at a time, readers that notice a change,
// invalidations that never wait.

import { THREAD_ID } from '../imports/unit';
import { SEQ_BUSY, SEQ_KILLED, SEQ_STEP, SEQ_THREAD_SHIFT } from '../layout/set-sequence';

/** Takes the set. False when another inserter has it: the caller then does not cache. */
export function takeSet(sequence: usize): bool {
  const seen = atomic.load<u32>(sequence);
  if (seen & SEQ_BUSY) return false;
  return atomic.cmpxchg<u32>(sequence, seen, busyForm(seen)) == seen;
}

function busyForm(seen: u32): u32 {
  return (seen & ~(SEQ_STEP - 1)) | (u32(THREAD_ID - 1) << SEQ_THREAD_SHIFT) | SEQ_BUSY;
}

/**
 * Gives the set back.
 * @returns false when an invalidation passed while the set was taken: the caller must
 *   kill what it inserted, then call `freeSet`.
 */
export function releaseSet(sequence: usize): bool {
  const taken = busyForm(atomic.load<u32>(sequence));
  return atomic.cmpxchg<u32>(sequence, taken, (taken & ~(SEQ_STEP - 1)) + SEQ_STEP) == taken;
}

/** Gives the set back, whatever happened meanwhile. */
export function freeSet(sequence: usize): void {
  atomic.store<u32>(sequence, (atomic.load<u32>(sequence) & ~(SEQ_STEP - 1)) + SEQ_STEP);
}

/** Tells an inserter that may be at work in the set that its entry is stale. Returns at once. */
export function markKilled(sequence: usize): void {
  let seen = atomic.load<u32>(sequence);
  while ((seen & (SEQ_BUSY | SEQ_KILLED)) == SEQ_BUSY) {
    const found = atomic.cmpxchg<u32>(sequence, seen, seen | SEQ_KILLED);
    if (found == seen) return;
    seen = found;
  }
}

/** True when a thread (index) has the set. */
export function heldBy(sequence: usize, thread: u32): bool {
  const seen = atomic.load<u32>(sequence);
  return (seen & SEQ_BUSY) != 0 && ((seen >> SEQ_THREAD_SHIFT) & 0x3f) == thread;
}
