// SPDX-License-Identifier: MIT
// The ring that passes suspects to the host. When the ring is full, suspects are lost and
// counted.

import { THREAD } from '../imports/unit';
import {
  CHECK_AT_LOST,
  CHECK_AT_RING,
  CHECK_AT_SUSPECTS,
  CHECK_RING_SLOTS,
  SMMU_AT_CHECK,
  SUSPECT_FREE,
  SUSPECT_FULL,
  SUSPECT_INDEX,
  SUSPECT_IOVA,
  SUSPECT_KIND,
  SUSPECT_KNOWN,
  SUSPECT_OUTCOME,
  SUSPECT_SID,
  SUSPECT_SIZE,
  SUSPECT_SSID,
  SUSPECT_STATE,
  SUSPECT_WRITING,
} from '../layout/check-memory';
import { HOST_AT_ATTENTION } from '../layout/host-memory';
import { THREAD_IOVA } from '../layout/thread-memory';

/**
 * Acquires a slot of the ring and fills in the fields common to all suspects. The caller
 * writes the rest and calls `hand`.
 * @returns the address of the slot, 0 when the ring is full.
 */
export function begin(
  smmu: usize,
  kind: u32,
  sid: u32,
  ssid: u32,
  index: u32,
  outcome: u32,
): usize {
  const number = u32(atomic.add<i32>(smmu, 1, SMMU_AT_CHECK + CHECK_AT_SUSPECTS));
  const suspect =
    smmu + SMMU_AT_CHECK + CHECK_AT_RING + (number & (CHECK_RING_SLOTS - 1)) * SUSPECT_SIZE;
  if (atomic.cmpxchg<i32>(suspect, SUSPECT_FREE, SUSPECT_WRITING, SUSPECT_STATE) != SUSPECT_FREE) {
    atomic.add<i32>(smmu, 1, SMMU_AT_CHECK + CHECK_AT_LOST);
    return 0;
  }
  store<u32>(suspect, kind, SUSPECT_KIND);
  store<u32>(suspect, sid, SUSPECT_SID);
  store<u32>(suspect, ssid, SUSPECT_SSID);
  store<u32>(suspect, index, SUSPECT_INDEX);
  store<u32>(suspect, outcome, SUSPECT_OUTCOME);
  store<u64>(suspect, load<u64>(THREAD, THREAD_IOVA), SUSPECT_IOVA);
  store<u32>(suspect, 0, SUSPECT_KNOWN);
  return suspect;
}

/** Passes a suspect to the host. */
export function hand(suspect: usize): void {
  atomic.store<i32>(suspect, SUSPECT_FULL, SUSPECT_STATE);
  atomic.add<i32>(0, 1, HOST_AT_ATTENTION);
}
