// SPDX-License-Identifier: MIT
// The logs of an AMD IOMMU, which the guest owns.

import {
  AMD_ENTRY_SIZE,
  AMD_EVENT_HEAD,
  AMD_EVENT_TAIL,
  AMD_PPR_HEAD,
  AMD_PPR_TAIL,
  AMD_STATUS,
  AMD_STATUS_EVENT_LOG_INT,
  AMD_STATUS_PPR_INT,
} from '../../assembly/layout/amd-formats';
import { QUEUE_WAIT_MICROSECONDS, QUEUE_WAITS } from '../driver/poll';
import { place } from '../runtime/guest-fields';
import { read32, write32, write64 } from '../runtime/mmio';
import { acknowledgeMaps } from '../runtime/safe-point';
import { wait } from '../runtime/vsmmu';
import { AMD_ENTRIES, amdDriver } from './amd-driver-state';

/** Words of the record that was removed last. */
const RECORD: usize = memory.data(AMD_ENTRY_SIZE, 8);

// Waits a bounded time for an entry of a log and removes it. Returns its memory offset, 0
// when none arrived.
function take(log: usize, headRegister: u32, tailRegister: u32, interrupt: i32): usize {
  const state = amdDriver();
  for (let waits = 0; waits < QUEUE_WAITS; waits++) {
    acknowledgeMaps();
    const head = read32(state.gpa + headRegister);
    if (head != read32(state.gpa + tailRegister)) {
      memory.copy(RECORD, log + head, AMD_ENTRY_SIZE);
      const next = (head + AMD_ENTRY_SIZE) & (AMD_ENTRIES * AMD_ENTRY_SIZE - 1);
      write64(state.gpa + headRegister, next);
      write32(state.gpa + AMD_STATUS, place(interrupt, 1));
      return RECORD;
    }
    wait(QUEUE_WAIT_MICROSECONDS);
  }
  return 0;
}

/**
 * Waits a bounded time for an event record and removes it.
 * @returns its memory offset, 0 when none arrived.
 */
export function takeAmdEvent(): usize {
  return take(amdDriver().events, AMD_EVENT_HEAD, AMD_EVENT_TAIL, AMD_STATUS_EVENT_LOG_INT);
}

/**
 * Waits a bounded time for a page request and removes it.
 * @returns its memory offset, 0 when none arrived.
 */
export function takePageRequest(): usize {
  return take(amdDriver().pageRequests, AMD_PPR_HEAD, AMD_PPR_TAIL, AMD_STATUS_PPR_INT);
}

/** True while the event log has no record. */
export function noAmdEvents(): bool {
  const gpa = amdDriver().gpa;
  return read32(gpa + AMD_EVENT_HEAD) == read32(gpa + AMD_EVENT_TAIL);
}
