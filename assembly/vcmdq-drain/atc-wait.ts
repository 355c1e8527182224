// SPDX-License-Identifier: MIT
// What a CMD_SYNC waits for beside accesses in flight: the endpoints that have not
// answered ATC_INV commands of its queue (IHI 0070 sections 3.9.1.4 and 4.7.3).

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

/** An ATC_INV of the queue was not answered at once. `port`: the bit of the endpoint's port. */
export function awaitPort(smmu: usize, queue: usize, port: u64): void {
  const wait = waitOf(smmu, queue);
  store<u64>(wait, load<u64>(wait, ATC_WAIT_PORTS) | port, ATC_WAIT_PORTS);
}

/** Whether no ATC_INV of the queue was left without an answer: a look that costs one load. */
export function noneAwaited(smmu: usize, queue: usize): bool {
  return load<u64>(waitOf(smmu, queue), ATC_WAIT_PORTS) == 0;
}

/** Whether by now every ATC_INV of the queue is answered. */
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
 * The CMD_SYNC waits from now on. Its guest, which looks at CONS, is asked for the exits
 * at which the host can look at the time.
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
 * True when the wait is over without an answer. The endpoints are cut off; the CMD_SYNC
 * that comes next has nothing to wait for.
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
