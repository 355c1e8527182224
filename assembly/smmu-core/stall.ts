// SPDX-License-Identifier: MIT
// Stalled transactions (IHI 0070 sections 3.12.2, 4.7.1, 4.7.2). A transaction that
// stalls stores its StreamID and STAG in a table, and is not in flight while it waits:
// its endpoint polls for the answer, and translates again if the answer is a retry.
//
// An entry is one word, and every change is a compare-and-swap of the whole word: a
// command that names another StreamID, or the STAG of an earlier use, changes nothing.

import { SMMU_AT_IDR5, SMMU_AT_STALLED } from '../layout/smmu-memory';
import { IDR5_STALL_MAX } from '../layout/smmu-registers';
import {
  MAX_STALLS,
  SMMU_AT_STALLS,
  STALL_ABANDONED,
  STALL_ABORT,
  STALL_FREE,
  STALL_RETRY,
  STALL_SIZE,
  STALL_STATE_SHIFT,
  STALL_WAITING,
  STALLS_PER_STREAM,
} from '../layout/stall-memory';
import { bits } from '../lib/fields';

/** Returned when no entry is free. */
export const NO_STAG: u32 = u32(-1);

const STATE: u64 = 15 << STALL_STATE_SHIFT;

function entryAt(smmu: usize, index: u32): usize {
  return smmu + SMMU_AT_STALLS + (index & (MAX_STALLS - 1)) * STALL_SIZE;
}

function packed(sid: u32, stag: u32, state: u32): u64 {
  return (u64(sid) << 32) | u64((state << STALL_STATE_SHIFT) | (stag & 0xffff));
}

function stateOf(word: u64): u32 {
  return u32(word & STATE) >> STALL_STATE_SHIFT;
}

function change(smmu: usize, sid: u32, stag: u32, from: u32, to: u32): bool {
  const old = packed(sid, stag, from);
  if (atomic.cmpxchg<u64>(entryAt(smmu, stag), old, packed(sid, stag, to)) != old) return false;
  if (to == STALL_FREE) atomic.sub<i32>(smmu, 1, SMMU_AT_STALLED);
  return true;
}

// The entry for the next stall of a stream. A free one; if there is none, one that its
// endpoint has abandoned. A stream that has reached its quota gets only an abandoned one
// of its own. 0 when there is none.
function entryFor(smmu: usize, sid: u32): usize {
  const count = min(bits(atomic.load<u32>(smmu, SMMU_AT_IDR5), IDR5_STALL_MAX), u32(MAX_STALLS));
  const quota = min(<u32>STALLS_PER_STREAM, max(count >> 1, 1));
  let own: u32 = 0;
  let free: usize = 0;
  let abandoned: usize = 0;
  let ownAbandoned: usize = 0;
  for (let index: u32 = 0; index < count; index++) {
    const entry = entryAt(smmu, index);
    const word = atomic.load<u64>(entry);
    const state = stateOf(word);
    if (state == STALL_FREE) {
      if (free == 0) free = entry;
      continue;
    }
    const isOwn = u32(word >> 32) == sid;
    own += u32(isOwn);
    if (state != STALL_ABANDONED) continue;
    abandoned = entry;
    if (isOwn) ownAbandoned = entry;
  }
  if (own >= quota) return ownAbandoned;
  return free != 0 ? free : abandoned;
}

/**
 * Enters a transaction in the table, where it waits. Each use of an entry has another
 * STAG, so an answer to an abandoned use does not affect the next.
 * @returns its STAG; NO_STAG when STALLS_PER_STREAM transactions of the stream wait
 *   already, or IDR5.STALL_MAX in all.
 */
export function stallEnter(smmu: usize, sid: u32): u32 {
  // Another thread may acquire the entry first; the transaction is then tried again.
  const entry = entryFor(smmu, sid);
  if (entry == 0) return NO_STAG;
  const word = atomic.load<u64>(entry);
  const state = stateOf(word);
  if (state != STALL_FREE && state != STALL_ABANDONED) return NO_STAG;
  const index = u32((entry - smmu - SMMU_AT_STALLS) / STALL_SIZE);
  const stag = (((u32(word) & 0xffff & ~(<u32>MAX_STALLS - 1)) + MAX_STALLS) & 0xffff) | index;
  if (atomic.cmpxchg<u64>(entry, word, packed(sid, stag, STALL_WAITING)) != word) return NO_STAG;
  // An abandoned entry is already counted.
  if (state == STALL_FREE) atomic.add<i32>(smmu, 1, SMMU_AT_STALLED);
  return stag;
}

/**
 * CMD_RESUME with the answer STALL_RETRY, STALL_ABORT or STALL_RAZWI. No effect unless
 * the transaction waits.
 */
export function stallResume(smmu: usize, sid: u32, stag: u32, answer: u32): void {
  if (change(smmu, sid, stag, STALL_WAITING, answer)) return;
  change(smmu, sid, stag, STALL_ABANDONED, STALL_FREE);
}

/** CMD_STALL_TERM: aborts every waiting transaction of a stream. */
export function stallTerminate(smmu: usize, sid: u32): void {
  if (atomic.load<i32>(smmu, SMMU_AT_STALLED) == 0) return;
  for (let index: u32 = 0; index < <u32>MAX_STALLS; index++) {
    const word = atomic.load<u64>(entryAt(smmu, index));
    if (u32(word >> 32) == sid) stallResume(smmu, sid, u32(word), STALL_ABORT);
  }
}

/** Frees an entry whose record could not be written. */
export function stallLeave(smmu: usize, sid: u32, stag: u32): void {
  stallAbandon(smmu, sid, stag);
  change(smmu, sid, stag, STALL_ABANDONED, STALL_FREE);
}

export function stallAnswer(smmu: usize, sid: u32, stag: u32): u32 {
  const word = atomic.load<u64>(entryAt(smmu, stag));
  const state = stateOf(word);
  if ((word & ~STATE) != packed(sid, stag, 0) || state == STALL_FREE) return STALL_RETRY;
  if (state != STALL_WAITING) change(smmu, sid, stag, state, STALL_FREE);
  return state;
}

export function stallAbandon(smmu: usize, sid: u32, stag: u32): void {
  if (change(smmu, sid, stag, STALL_WAITING, STALL_ABANDONED)) return;
  // Already answered. Only the endpoint changes this state.
  for (let state: u32 = STALL_RETRY; state < <u32>STALL_ABANDONED; state++)
    change(smmu, sid, stag, state, STALL_FREE);
}

export function stallForget(smmu: usize, sid: u32): void {
  for (let index: u32 = 0; index < <u32>MAX_STALLS; index++) {
    const word = atomic.load<u64>(entryAt(smmu, index));
    if (u32(word >> 32) == sid && stateOf(word) != STALL_FREE) stallLeave(smmu, sid, u32(word));
  }
}
