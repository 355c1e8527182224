// SPDX-License-Identifier: MIT
// Event logs, the host's and one per guest, written directly to their memory (48882
// section 2.5).

import { THREAD_ID } from '../imports/unit';
import {
  AMD_CTX_CONTROL,
  AMD_CTX_EVENT_BASE,
  AMD_CTX_EVENT_LENGTH,
  AMD_CTX_EVENT_OWNER,
  AMD_CTX_EVENT_TAIL,
  AMD_CTX_EVENTS_LOST,
  AMD_CTX_STATUS,
} from '../layout/amd-block';
import {
  AMD_CONTROL_EVENT_INT_EN,
  AMD_EVENT_CODE,
  AMD_EVENT_HEAD,
  AMD_EVENT_TAIL,
  AMD_STATUS_EVENT_LOG_INT,
  AMD_STATUS_EVENT_LOG_RUN,
  AMD_STATUS_EVENT_OVERFLOW,
} from '../layout/amd-formats';
import { maskOf, placed } from '../lib/fields';
import { locate, NOWHERE, storeAt } from '../smmu-core/physical-memory';
import { callHost } from '../vcmdq-drain/ownership';
import { contextOf, pointersOf, readPointer, writePointer } from './block';

// Another producer takes about ten nanoseconds per record.
const OWNER_SPINS = 10000;

/** Locks the producer side of a GuestID's logs. */
export function takeLogs(context: usize): bool {
  for (let i = 0; i < OWNER_SPINS; i++) {
    const owner = atomic.cmpxchg<i32>(context, 0, THREAD_ID, AMD_CTX_EVENT_OWNER);
    // Locked by this very thread: its stack overflowed in here during an earlier call.
    if (owner == 0 || owner == THREAD_ID) return true;
  }
  return false;
}

function append(context: usize, d0: u64, d1: u64): bool {
  if ((atomic.load<u32>(context, AMD_CTX_STATUS) & maskOf(AMD_STATUS_EVENT_LOG_RUN)) == 0)
    return false;
  const base = load<u64>(context, AMD_CTX_EVENT_BASE);
  const pointers = pointersOf(context);
  const mask = ((<u32>1) << load<u32>(context, AMD_CTX_EVENT_LENGTH)) - 1;
  const tail = load<u32>(context, AMD_CTX_EVENT_TAIL) & mask;
  const place = base == 0 || pointers == NOWHERE ? NOWHERE : locate(base + (u64(tail) << 4), 16);
  if (place == NOWHERE) return false;
  const next = (tail + 1) & mask;
  const full = next == readPointer(pointers, AMD_EVENT_HEAD, mask);
  if (!full) {
    storeAt(place, d0);
    storeAt(place + 8, d1);
    store<u32>(context, next, AMD_CTX_EVENT_TAIL);
    writePointer(pointers, AMD_EVENT_TAIL, next);
  }
  let status: u32 = 0;
  if (full) {
    // Cleared before the overflow is set: on an overflow software restarts the log, but
    // only if it does not run.
    atomic.and<u32>(context, ~maskOf(AMD_STATUS_EVENT_LOG_RUN), AMD_CTX_STATUS);
    status = maskOf(AMD_STATUS_EVENT_OVERFLOW);
  }
  const control = atomic.load<u32>(context, AMD_CTX_CONTROL);
  if (control & maskOf(AMD_CONTROL_EVENT_INT_EN)) status |= maskOf(AMD_STATUS_EVENT_LOG_INT);
  if (status != 0) {
    atomic.or<u32>(context, status, AMD_CTX_STATUS);
    callHost();
  }
  return !full;
}

/** Unlocks the producer side. */
export function freeLogs(context: usize): void {
  atomic.store<i32>(context, 0, AMD_CTX_EVENT_OWNER);
}

/**
 * Writes a record to the log of a GuestID (0: the host's).
 * @param code AMD_EVENT_*, which is added to `word1`.
 */
export function logEvent(
  iommu: usize,
  guest: u32,
  code: u32,
  word0: u32,
  word1: u32,
  address: u64,
): void {
  const context = contextOf(iommu, guest);
  const taken = takeLogs(context);
  const d0 = (u64(word1 | placed(code, AMD_EVENT_CODE)) << 32) | u64(word0);
  if (!taken || !append(context, d0, address)) atomic.add<i32>(context, 1, AMD_CTX_EVENTS_LOST);
  if (taken) freeLogs(context);
}
