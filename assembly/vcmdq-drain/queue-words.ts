// SPDX-License-Identifier: MIT
// A queue block: its address, and the meaning of its fields.

import { CTX_STRIDE, SMMU_AT_CONTEXTS } from '../layout/context-memory';
import {
  QUEUE_CONS,
  QUEUE_CTX,
  QUEUE_ENABLED,
  QUEUE_ERR,
  QUEUE_KIND,
  QUEUE_KIND_ECMDQ,
  QUEUE_KIND_OVERLAY,
  QUEUE_KIND_VCMDQ_GUEST,
  QUEUE_KIND_VCMDQ_HYP,
  QUEUE_PARKED,
  QUEUE_RUNNING,
  QUEUE_STATE,
  QUEUE_STRIDE,
  SMMU_AT_QUEUES,
} from '../layout/queue-memory';
import { SMMU_AT_PARKED, SMMU_AT_STATS } from '../layout/smmu-memory';
import { requestExit } from './exit-request';
import { callHost } from './ownership';

export function queueBlock(smmu: usize, index: u32): usize {
  return smmu + SMMU_AT_QUEUES + index * QUEUE_STRIDE;
}

export function contextOf(smmu: usize, queue: usize): usize {
  return smmu + SMMU_AT_CONTEXTS + load<u32>(queue, QUEUE_CTX) * CTX_STRIDE;
}

export function isVcmdq(queue: usize): bool {
  const kind = load<u32>(queue, QUEUE_KIND);
  return kind == QUEUE_KIND_VCMDQ_GUEST || kind == QUEUE_KIND_VCMDQ_HYP;
}

export function stat(smmu: usize, offset: usize): void {
  atomic.add<i32>(smmu + SMMU_AT_STATS + offset, 1);
}

/**
 * Stops a queue at a command. CONS is stored before the state: the host may be on another
 * thread, and reads the command at CONS as soon as it sees the state.
 */
export function stop(queue: usize, cons: u32, state: u32): void {
  atomic.store<u32>(queue, cons, QUEUE_CONS);
  atomic.store<u32>(queue, state, QUEUE_STATE);
  callHost();
  // No register of such a queue traps: its guest polls CONS in memory, so the exit at
  // which the host can act has to be requested.
  const kind = load<u32>(queue, QUEUE_KIND);
  if (kind == QUEUE_KIND_OVERLAY || kind == QUEUE_KIND_ECMDQ) requestExit();
}

/** Sets a queue running: clears an error, and a stop for the host. */
export function restart(queue: usize): void {
  atomic.store<u32>(queue, 0, QUEUE_ERR);
  atomic.store<u32>(queue, QUEUE_RUNNING, QUEUE_STATE);
}

/** Disables a queue. Its error is cleared, so the next enable starts without one. */
export function disable(smmu: usize, queue: usize): void {
  unpark(smmu, queue);
  atomic.store<u32>(queue, 0, QUEUE_ENABLED);
  restart(queue);
}

/** Leaves the parked state, if the queue is in it. */
export function unpark(smmu: usize, queue: usize): void {
  // By compare-exchange: a device model that resets the queue corrects the count in the
  // same way.
  if (atomic.cmpxchg<u32>(queue, QUEUE_PARKED, QUEUE_RUNNING, QUEUE_STATE) == QUEUE_PARKED)
    atomic.sub<i32>(smmu, 1, SMMU_AT_PARKED);
}
