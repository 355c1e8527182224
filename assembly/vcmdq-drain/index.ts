// SPDX-License-Identifier: MIT
// The VCMDQ drain: the exports that a doorbell, a side core and the host call. Their
// types and documentation are in assembly/unit-exports.ts.

import { traceDoorbell } from '../imports/core';
import { THREAD, WINDOW } from '../imports/unit';
import { SMMU_AT_PRIQ_OWNER } from '../layout/ats-memory';
import { VCMDQ_GERROR_CMDQ_ERR, VCMDQ_STRIDE } from '../layout/cmdqv-registers';
import { CFG_SETS } from '../layout/config-cache-memory';
import {
  CTX_DOORBELL_CALLS,
  CTX_LVCMDQ_COUNT,
  CTX_LVCMDQ_MAP,
  CTX_NEXT_SLOT,
  CTX_STRIDE,
  CTX_WINDOW,
  MAX_CONTEXTS,
  SMMU_AT_CONTEXTS,
} from '../layout/context-memory';
import { DOORBELL_CONTEXT, DOORBELL_SLOT, DOORBELL_SMMU } from '../layout/doorbell-id';
import { QUEUE_ACQUIRED, QUEUE_BUSY, WATCH_NO_COMMAND } from '../layout/drain-results';
import {
  HOST_AT_ATTENTION,
  HOST_AT_SMMU_COUNT,
  HOST_AT_TRACE,
  HOST_SMMUS,
  HOST_THREADS,
  SMMU_STRIDE,
  THREAD_STRIDE,
} from '../layout/host-memory';
import { TLB_SETS } from '../layout/iotlb-memory';
import {
  MAX_QUEUES,
  QUEUE_CONS,
  QUEUE_ERROR_HELD,
  QUEUE_ERROR_PUBLISHED,
  QUEUE_GERROR,
  QUEUE_KIND,
  QUEUE_KIND_ECMDQ,
  QUEUE_LOG2SIZE,
  QUEUE_NEEDS_HOST,
  QUEUE_OWNER_THREAD,
  QUEUE_PARKED,
  QUEUE_RUNNING,
  QUEUE_STATE,
} from '../layout/queue-memory';
import {
  SMMU_AT_EVENTQ_OWNER,
  SMMU_AT_PARKED,
  STAT_ERROR_PUBLISHED,
  STAT_ERROR_SKIPPED,
} from '../layout/smmu-memory';
import { THREAD_IN_FLIGHT, THREAD_TRACE_DOORBELL } from '../layout/thread-memory';
import {
  TRACE_DOORBELL,
  TRACE_DOORBELL_CONTEXT,
  TRACE_DOORBELL_OFFSET,
} from '../layout/trace-memory';
import { bits, maskOf, placed } from '../lib/fields';
import { reapConfigSet } from '../smmu-core/config-cache';
import { reapTlbSet } from '../smmu-core/iotlb';
import { NOWHERE } from '../smmu-core/physical-memory';
import { publishEcmdqError } from './ecmdq';
import { requestExit } from './exit-request';
import { acquire, callHost, release, releaseAndCallHost } from './ownership';
import { contextOf, isVcmdq, queueBlock, restart, stat } from './queue-words';
import { hasWork, isIdleFast, publicCons, SERVICE_WORK, serveOwned, serveQueue } from './serve';
import { CONS, GERROR, GERRORN, page0Of, readRegister, writeRegister } from './vcmdq-page0';

export { dsb, tlbi } from './broadcast';

/**
 * `watch` returns after this much work (in the unit of a queue's BUDGET); one poll in
 * LOOKS_AT_BUSY covers every queue.
 */
const WATCH_WORK: u32 = 1024;
const LOOKS_AT_BUSY: u32 = 8;
/**
 * After this much work a call serves no further queue. The next call starts at the queue
 * that was left out.
 */
const PASS_WORK: u32 = 2048;

function contextBlock(smmu: usize, index: u32): usize {
  return smmu + SMMU_AT_CONTEXTS + index * CTX_STRIDE;
}

function queueOfSlot(smmu: usize, context: usize, lvcmdq: u32): usize {
  if (lvcmdq >= load<u32>(context, CTX_LVCMDQ_COUNT)) return 0;
  const entry = atomic.load<u16>(context + (lvcmdq << 1), CTX_LVCMDQ_MAP);
  return entry == 0 ? 0 : queueBlock(smmu, u32(entry) - 1);
}

// The slot at which a pass over every queue of the context starts.
function firstSlot(context: usize, slots: u32): u32 {
  const slot = load<u32>(context, CTX_NEXT_SLOT);
  return slot < slots ? slot : 0;
}

function nextSlot(slot: u32, slots: u32): u32 {
  return slot + 1 < slots ? slot + 1 : 0;
}

// True while the queue waits for the host to publish an error or to execute a command. A
// plain load: what matters is what this thread has stored; another one calls the host
// itself.
function heldForHost(queue: usize): bool {
  const state = load<u32>(queue, QUEUE_STATE);
  return state == QUEUE_ERROR_HELD || state == QUEUE_NEEDS_HOST;
}

export function doorbell(id: u32, offset: u32): void {
  const smmuIndex = bits(id, DOORBELL_SMMU);
  const index = bits(id, DOORBELL_CONTEXT);
  if (smmuIndex >= load<u32>(0, HOST_AT_SMMU_COUNT) || index >= <u32>MAX_CONTEXTS) return;
  const smmu: usize = HOST_SMMUS + smmuIndex * SMMU_STRIDE;
  const context = contextBlock(smmu, index);
  if (WINDOW == 0 || load<u32>(context, CTX_WINDOW) != u32(WINDOW)) return;
  atomic.add<i32>(context, 1, CTX_DOORBELL_CALLS);
  const traced = load<u32>(0, HOST_AT_TRACE) != 0;
  const slot = bits(id, DOORBELL_SLOT) + offset / VCMDQ_STRIDE;
  // The record of the first run that this doorbell starts includes the doorbell.
  if (traced)
    store<u32>(
      THREAD,
      u32(TRACE_DOORBELL) |
        placed(index, TRACE_DOORBELL_CONTEXT) |
        placed(slot * VCMDQ_STRIDE + (offset % VCMDQ_STRIDE), TRACE_DOORBELL_OFFSET),
      THREAD_TRACE_DOORBELL,
    );
  const queue = queueOfSlot(smmu, context, slot);
  // Remaining work, and work for the host, waits for an exit. The guest polls CONS
  // without one, so an exit is requested.
  if (queue != 0 && (serveQueue(smmu, queue) >= SERVICE_WORK || heldForHost(queue))) requestExit();
  if (traced && load<u32>(THREAD, THREAD_TRACE_DOORBELL) != 0) traceDoorbell(smmu);
}

export function serve(smmu: usize, index: u32): u32 {
  if (index >= <u32>MAX_QUEUES) return QUEUE_RUNNING;
  const queue = queueBlock(smmu, index);
  serveQueue(smmu, queue);
  return atomic.load<u32>(queue, QUEUE_STATE);
}

export function serveContext(smmu: usize, index: u32): u32 {
  if (index >= <u32>MAX_CONTEXTS) return 0;
  const context = contextBlock(smmu, index);
  const slots = load<u32>(context, CTX_LVCMDQ_COUNT);
  let slot = firstSlot(context, slots);
  let work: u32 = 0;
  for (let i: u32 = 0; i < slots; i++, slot = nextSlot(slot, slots)) {
    if (work >= PASS_WORK) {
      store<u32>(context, slot, CTX_NEXT_SLOT);
      callHost();
      break;
    }
    const queue = queueOfSlot(smmu, context, slot);
    if (queue != 0) work += serveQueue(smmu, queue);
  }
  return work;
}

export function watch(smmu: usize, index: u32, looks: u32): u32 {
  if (index >= <u32>MAX_CONTEXTS) return 0;
  const context = contextBlock(smmu, index);
  const slots = load<u32>(context, CTX_LVCMDQ_COUNT);
  const attention = atomic.load<i32>(0, HOST_AT_ATTENTION);
  let done: u32 = 0;
  let found = false;
  let busy = slots;
  for (let look: u32 = 0; look < looks; look++) {
    // Most polls are of the queue that had work last: it is the likeliest to have more,
    // and its guest may be waiting.
    const all = look % LOOKS_AT_BUSY == 0 || busy == slots;
    const count = all ? slots : 1;
    let slot = all ? firstSlot(context, slots) : busy;
    let served = false;
    for (let i: u32 = 0; i < count; i++, slot = nextSlot(slot, slots)) {
      // The next pass resumes where this one was cut, so that a queue that is never empty
      // does not starve the queues after it.
      if (done >= PASS_WORK) {
        store<u32>(context, slot, CTX_NEXT_SLOT);
        break;
      }
      const queue = queueOfSlot(smmu, context, slot);
      if (queue == 0 || (look != 0 && isIdleFast(queue, context)) || !hasWork(queue, context))
        continue;
      served = true;
      busy = slot;
      done += serveQueue(smmu, queue);
    }
    if (!served) continue;
    found = true;
    if (done >= WATCH_WORK || atomic.load<i32>(0, HOST_AT_ATTENTION) != attention)
      return done == 0 ? u32(WATCH_NO_COMMAND) : done;
  }
  return found && done == 0 ? u32(WATCH_NO_COMMAND) : done;
}

export function serveParked(smmu: usize): u32 {
  if (atomic.load<i32>(smmu, SMMU_AT_PARKED) == 0) return 0;
  let work: u32 = 0;
  for (let i: u32 = 0; i < <u32>MAX_QUEUES; i++) {
    const queue = queueBlock(smmu, i);
    if (atomic.load<u32>(queue, QUEUE_STATE) != QUEUE_PARKED) continue;
    if (work >= PASS_WORK) {
      callHost();
      break;
    }
    work += serveQueue(smmu, queue);
    // This unit cannot reach another machine's queue: that machine's unit has to run it.
    if (atomic.load<u32>(queue, QUEUE_STATE) == QUEUE_PARKED) callHost();
  }
  return u32(atomic.load<i32>(smmu, SMMU_AT_PARKED));
}

export function publishError(smmu: usize, index: u32): u32 {
  const queue = queueBlock(smmu, index & (MAX_QUEUES - 1));
  if (!acquire(queue)) return QUEUE_BUSY;
  const page0 = page0Of(queue, contextOf(smmu, queue));
  if (load<u32>(queue, QUEUE_KIND) == QUEUE_KIND_ECMDQ) {
    if (page0 != NOWHERE) publishEcmdqError(smmu, queue, page0);
  } else if (
    page0 != NOWHERE &&
    isVcmdq(queue) &&
    load<u32>(queue, QUEUE_STATE) == QUEUE_ERROR_HELD
  ) {
    const gerror = load<u32>(queue, QUEUE_GERROR);
    const error = maskOf(VCMDQ_GERROR_CMDQ_ERR);
    // CONS before GERROR: whoever sees the error also sees its position. An error that is
    // already active is not toggled back.
    atomic.store<u32>(queue, QUEUE_ERROR_PUBLISHED, QUEUE_STATE);
    writeRegister(page0, CONS, publicCons(queue));
    if (((gerror ^ readRegister(page0, GERRORN)) & error) == 0)
      atomic.store<u32>(queue, gerror ^ error, QUEUE_GERROR);
    writeRegister(page0, GERROR, load<u32>(queue, QUEUE_GERROR));
    stat(smmu, STAT_ERROR_PUBLISHED);
  }
  serveOwned(smmu, queue);
  return QUEUE_ACQUIRED;
}

function stopped(queue: usize): bool {
  const state = load<u32>(queue, QUEUE_STATE);
  return state == QUEUE_ERROR_HELD || state == QUEUE_ERROR_PUBLISHED || state == QUEUE_NEEDS_HOST;
}

export function stepOver(smmu: usize, index: u32): u32 {
  const queue = queueBlock(smmu, index & (MAX_QUEUES - 1));
  if (!acquire(queue)) return QUEUE_BUSY;
  if (stopped(queue)) {
    const indexMask = ((<u32>2) << load<u32>(queue, QUEUE_LOG2SIZE)) - 1;
    if (load<u32>(queue, QUEUE_STATE) == QUEUE_ERROR_HELD) stat(smmu, STAT_ERROR_SKIPPED);
    atomic.store<u32>(queue, (load<u32>(queue, QUEUE_CONS) + 1) & indexMask, QUEUE_CONS);
    restart(queue);
  }
  release(queue);
  return QUEUE_ACQUIRED;
}

export function resume(smmu: usize, index: u32): u32 {
  const queue = queueBlock(smmu, index & (MAX_QUEUES - 1));
  if (!acquire(queue)) return QUEUE_BUSY;
  if (stopped(queue)) restart(queue);
  release(queue);
  return QUEUE_ACQUIRED;
}

// Everything that a thread can own carries its number. Only those items are touched, so
// other threads may keep running.
export function reapThread(smmu: usize, thread: u32): void {
  for (let i: u32 = 0; i < <u32>MAX_QUEUES; i++) {
    const queue = queueBlock(smmu, i);
    if (load<u32>(queue, QUEUE_OWNER_THREAD) == thread + 1) releaseAndCallHost(queue);
  }
  for (let set: u32 = 0; set < <u32>TLB_SETS; set++) reapTlbSet(smmu, set, thread);
  for (let set: u32 = 0; set < <u32>CFG_SETS; set++) reapConfigSet(smmu, set, thread);
  atomic.cmpxchg<u32>(smmu, thread + 1, 0, SMMU_AT_EVENTQ_OWNER);
  atomic.cmpxchg<u32>(smmu, thread + 1, 0, SMMU_AT_PRIQ_OWNER);
  atomic.store<i64>(HOST_THREADS + thread * THREAD_STRIDE, 0, THREAD_IN_FLIGHT);
  callHost();
}
