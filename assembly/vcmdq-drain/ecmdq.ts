// SPDX-License-Identifier: MIT
// The registers of an ECMDQ in guest memory: EN and ENACK, ERR and ERRACK (IHI 0070
// section 3.5.6). Each of these pairs has the same bit position in PROD and CONS, and the
// queue block stores it at that position too.

import {
  QUEUE_ALLOCATED,
  QUEUE_CONS,
  QUEUE_ENABLED,
  QUEUE_ERR,
  QUEUE_ERROR_HELD,
  QUEUE_ERROR_PUBLISHED,
  QUEUE_GERROR,
  QUEUE_LOG2SIZE,
  QUEUE_PARKED,
  QUEUE_RUNNING,
  QUEUE_STATE,
} from '../layout/queue-memory';
import { STAT_ERROR_PUBLISHED } from '../layout/smmu-memory';
import {
  ECMDQ_CONS_ENACK,
  ECMDQ_CONS_ERR,
  ECMDQ_CONS_ERR_REASON,
  Q_INDEX,
} from '../layout/smmu-registers';
import { maskOf, placed } from '../lib/fields';
import { disable, restart, stat } from './queue-words';
import {
  inGuest,
  MAPPED_CONS,
  MAPPED_PROD,
  readPair,
  readRegister,
  writeRegister,
} from './vcmdq-page0';

/** CONS of an enabled ECMDQ, as software reads it. */
export function ecmdqCons(queue: usize): u32 {
  return (
    load<u32>(queue, QUEUE_CONS) | load<u32>(queue, QUEUE_GERROR) | load<u32>(queue, QUEUE_ENABLED)
  );
}

// An error is active: ERR and ERRACK differ.
function failed(queue: usize, prod: u32): bool {
  return ((load<u32>(queue, QUEUE_GERROR) ^ prod) & maskOf(ECMDQ_CONS_ERR)) != 0;
}

// EN changes from 0 to 1: CONS is read from the register once; from then on the queue
// block is authoritative. An error that the register shows is still active.
function enable(queue: usize, prod: u32, cons: u32): void {
  const indexMask = ((<u32>2) << load<u32>(queue, QUEUE_LOG2SIZE)) - 1;
  atomic.store<u32>(queue, cons & indexMask, QUEUE_CONS);
  atomic.store<u32>(
    queue,
    cons & (maskOf(ECMDQ_CONS_ERR) | maskOf(ECMDQ_CONS_ERR_REASON)),
    QUEUE_GERROR,
  );
  atomic.store<u32>(
    queue,
    failed(queue, prod) ? QUEUE_ERROR_PUBLISHED : QUEUE_RUNNING,
    QUEUE_STATE,
  );
  atomic.store<u32>(queue, maskOf(ECMDQ_CONS_ENACK), QUEUE_ENABLED);
}

/**
 * Applies EN and ERRACK; true when the queue is enabled. `prod` and `cons`: the register
 * values read.
 */
export function applyEcmdqEnables(smmu: usize, queue: usize, prod: u32, cons: u32): bool {
  const wanted = (prod & maskOf(ECMDQ_CONS_ENACK)) != 0;
  const is = load<u32>(queue, QUEUE_ENABLED) != 0;
  if (wanted && !is) {
    enable(queue, prod, cons);
  } else if (!wanted && is) {
    disable(smmu, queue);
  } else if (is && load<u32>(queue, QUEUE_STATE) == QUEUE_ERROR_PUBLISHED && !failed(queue, prod)) {
    restart(queue);
  }
  return wanted;
}

/** True when a round of the queue would find work. Only loads. */
export function ecmdqHasWork(queue: usize, place: i64): bool {
  if (!inGuest(place) || atomic.load<u32>(queue, QUEUE_ALLOCATED) == 0) return false;
  const prodCons = readPair(place, MAPPED_PROD);
  const prod = u32(prodCons);
  const cons = u32(prodCons >> 32);
  const enabled = atomic.load<u32>(queue, QUEUE_ENABLED);
  if ((prod & maskOf(ECMDQ_CONS_ENACK)) != enabled) return true;
  if (enabled == 0) return (cons & maskOf(ECMDQ_CONS_ENACK)) != 0;
  const state = load<u32>(queue, QUEUE_STATE);
  if (state == QUEUE_PARKED || cons != ecmdqCons(queue)) return true;
  if (state == QUEUE_ERROR_PUBLISHED) return !failed(queue, prod);
  if (state != QUEUE_RUNNING) return false;
  const indexMask = ((<u32>2) << load<u32>(queue, QUEUE_LOG2SIZE)) - 1;
  return ((prod ^ load<u32>(queue, QUEUE_CONS)) & maskOf(Q_INDEX) & indexMask) != 0;
}

/**
 * Publishes a held error: toggles CONS.ERR and writes ERR_REASON. The error stays held
 * while a previous one is active (ERR and ERRACK differ).
 */
export function publishEcmdqError(smmu: usize, queue: usize, place: i64): void {
  if (
    !inGuest(place) ||
    load<u32>(queue, QUEUE_STATE) != QUEUE_ERROR_HELD ||
    failed(queue, readRegister(place, MAPPED_PROD))
  )
    return;
  const err = (load<u32>(queue, QUEUE_GERROR) ^ maskOf(ECMDQ_CONS_ERR)) & maskOf(ECMDQ_CONS_ERR);
  atomic.store<u32>(
    queue,
    err | placed(load<u32>(queue, QUEUE_ERR), ECMDQ_CONS_ERR_REASON),
    QUEUE_GERROR,
  );
  atomic.store<u32>(queue, QUEUE_ERROR_PUBLISHED, QUEUE_STATE);
  writeRegister(place, MAPPED_CONS, ecmdqCons(queue));
  stat(smmu, STAT_ERROR_PUBLISHED);
}
