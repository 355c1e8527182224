// SPDX-License-Identifier: MIT
// The other condition of a CMD_SYNC, apart from accesses in flight: every endpoint has
// answered the ATC_INV commands of its queue (IHI 0070 sections 3.9.1.4 and 4.7.3).

import { clock } from '../imports/core';
import {
  ATC_PORTS,
  ATC_WAIT_DEADLINE,
  ATC_WAIT_PORTS,
  ATC_WAIT_SHIFT,
  SMMU_AT_ATC_TIMEOUT,
  SMMU_AT_ATC_WAITS,
} from '../layout/ats-memory';
import { QUEUE_STRIDE, SMMU_AT_QUEUES } from '../layout/queue-memory';
import { atcAnswered, isolate } from '../smmu-core/atc';
import { requestExit } from './exit-request';
import { callHost } from './ownership';

function waitOf(smmu: usize, queue: usize): usize {
  return (
    smmu + SMMU_AT_ATC_WAITS + (((queue - smmu - SMMU_AT_QUEUES) / QUEUE_STRIDE) << ATC_WAIT_SHIFT)
  );
}

/**
 * Records that an ATC_INV of the queue got no immediate answer. `port`: the bit of the
 * endpoint's port.
 */
export function awaitPort(smmu: usize, queue: usize, port: u64): void {
  const wait = waitOf(smmu, queue);
  store<u64>(wait, load<u64>(wait, ATC_WAIT_PORTS) | port, ATC_WAIT_PORTS);
}

/** Whether no ATC_INV of the queue is recorded as unanswered. Costs one load. */
export function noneAwaited(smmu: usize, queue: usize): bool {
  return load<u64>(waitOf(smmu, queue), ATC_WAIT_PORTS) == 0;
}

/** Whether every ATC_INV of the queue has been answered by now. Updates the record. */
export function atcsAnswered(smmu: usize, queue: usize): bool {
  const wait = waitOf(smmu, queue);
  let ports = load<u64>(wait, ATC_WAIT_PORTS);
  if (ports == 0) return true;
  for (let port: u32 = 0; port < <u32>ATC_PORTS; port++) {
    const bit = (<u64>1) << u64(port);
    if ((ports & bit) != 0 && atcAnswered(smmu, port)) ports &= ~bit;
  }
  store<u64>(wait, ports, ATC_WAIT_PORTS);
  return ports == 0;
}

/**
 * Starts the wait of a CMD_SYNC for ATC_INV answers and sets its deadline. The guest
 * polls CONS in memory, so exits of its vCPUs are requested, at which the host can check
 * the deadline.
 */
export function startWaiting(smmu: usize, queue: usize): void {
  store<f64>(
    waitOf(smmu, queue),
    clock() + f64(atomic.load<u32>(smmu, SMMU_AT_ATC_TIMEOUT)),
    ATC_WAIT_DEADLINE,
  );
  callHost();
  requestExit();
}

/**
 * True when the deadline has passed without all answers. The silent endpoints are then
 * isolated, and the record is cleared: the next CMD_SYNC does not wait for them.
 */
export function timedOut(smmu: usize, queue: usize): bool {
  const wait = waitOf(smmu, queue);
  if (clock() < load<f64>(wait, ATC_WAIT_DEADLINE)) return false;
  const ports = load<u64>(wait, ATC_WAIT_PORTS);
  for (let port: u32 = 0; port < <u32>ATC_PORTS; port++)
    if ((ports & ((<u64>1) << u64(port))) != 0) isolate(smmu, port);
  store<u64>(wait, 0, ATC_WAIT_PORTS);
  return true;
}
