// SPDX-License-Identifier: MIT
// The AMD IOMMU: translation, and the service of command buffers, which doorbells and the
// host call. Types and documentation of the exports are in assembly/unit-exports.ts.
// IOTLB, generations, accesses in flight and ownership of queues come from the SMMU core
// and the drain, and are compiled in.

import { load128 } from '../imports/port';
import { WINDOW } from '../imports/unit';
import { AMD_CTX_COMMAND_BASE, AMD_CTX_CONTROL, AMD_CTX_EVENT_OWNER } from '../layout/amd-block';
import {
  AMD_COMMAND_HEAD,
  AMD_COMMAND_TAIL,
  AMD_CONTROL_CMD_BUF_EN,
  AMD_EVENT_COMMAND_HARDWARE_ERROR,
  AMD_EVENT_ILLEGAL_COMMAND_ERROR,
  AMD_GUESTS,
  AMD_VF_PAGE,
} from '../layout/amd-formats';
import { CTX_DOORBELL_CALLS, CTX_WINDOW } from '../layout/context-memory';
import { QUEUE_ACQUIRED, QUEUE_BUSY } from '../layout/drain-results';
import { HOST_SMMUS, HOST_THREADS, THREAD_STRIDE } from '../layout/host-memory';
import { TLB_SETS } from '../layout/iotlb-memory';
import {
  QUEUE_COMMANDS,
  QUEUE_CONS,
  QUEUE_ERROR_PUBLISHED,
  QUEUE_ERRORS,
  QUEUE_LOG2SIZE,
  QUEUE_NEEDS_HOST,
  QUEUE_OWNER_THREAD,
  QUEUE_PARK_EPOCH,
  QUEUE_PARKED,
  QUEUE_PARKED_D0,
  QUEUE_PARKED_D1,
  QUEUE_RING,
  QUEUE_RUNNING,
  QUEUE_STATE,
  QUEUE_SYNCS,
} from '../layout/queue-memory';
import { SMMU_AT_PARKED } from '../layout/smmu-memory';
import { THREAD_IN_FLIGHT } from '../layout/thread-memory';
import { maskOf } from '../lib/fields';
import { syncPassed } from '../smmu-core/in-flight';
import { reapTlbSet } from '../smmu-core/iotlb';
import { NOWHERE } from '../smmu-core/physical-memory';
import { BLOCKS_PER_COMMAND, resultOf, visitedBy } from '../smmu-core/service-work';
import {
  acquire,
  callHost,
  release,
  releaseAndCallHost,
  releaseUnlessRung,
  ring,
  rings,
} from '../vcmdq-drain/ownership';
import { queueBlock, stop, unpark } from '../vcmdq-drain/queue-words';
import { sync } from '../vcmdq-drain/sync';
import { complete, DONE, execute, HOST, WAIT } from './amd-commands';
import { logEvent } from './amd-events';
import { contextOf, pointersOf, reaches, readPointer, writePointer } from './block';

export { atcForget, atcSetMode } from '../smmu-core/atc';
export { accessBegin, accessEnd } from '../smmu-core/in-flight';
export { pageRequest } from './amd-page-request';
export { translate } from './amd-translate';

/**
 * Work of one round (each command counts 1, and IOTLB visits add to it), and rounds of
 * one call.
 */
const BUDGET: u32 = 256;
const ROUNDS = 4;

function tally(counter: usize, count: u32): void {
  if (count != 0) store<i64>(counter, load<i64>(counter) + i64(count));
}

// Stops the buffer at the command, as the architecture requires, until software enables
// it again.
function halt(iommu: usize, guest: u32, queue: usize, head: u32, code: u32): void {
  tally(queue + QUEUE_ERRORS, 1);
  stop(queue, head, QUEUE_ERROR_PUBLISHED);
  logEvent(
    iommu,
    guest,
    code,
    0,
    0,
    u64(load<u32>(contextOf(iommu, guest), AMD_CTX_COMMAND_BASE) + (head << 4)),
  );
}

// Runs commands up to the tail that was read, within BUDGET. Returns the work: BUDGET or
// more when commands may remain.
function run(iommu: usize, guest: u32, context: usize, queue: usize, tail: u32, mask: u32): u32 {
  const base = load<u32>(queue, QUEUE_RING);
  let head = load<u32>(queue, QUEUE_CONS) & mask;
  let done: u32 = 0;
  let visited: u32 = 0;
  if (head != tail && base == 0) {
    halt(iommu, guest, queue, head, AMD_EVENT_COMMAND_HARDWARE_ERROR);
    return 0;
  }
  for (; head != tail && done + visited / BLOCKS_PER_COMMAND < BUDGET; done++) {
    const at = base + (head << 4);
    const command = guest == 0 ? v128.load(at) : load128(at);
    const d0 = i64x2.extract_lane(command, 0);
    const d1 = i64x2.extract_lane(command, 1);
    const returned = execute(iommu, context, queue, d0, d1);
    visited += visitedBy(returned);
    const result = resultOf(returned);
    if (result == WAIT) {
      if (!sync(iommu, queue, head, d0, d1)) break;
      if (!complete(iommu, context, d0, d1)) {
        halt(iommu, guest, queue, head, AMD_EVENT_COMMAND_HARDWARE_ERROR);
        break;
      }
      tally(queue + QUEUE_SYNCS, 1);
    } else if (result == HOST) {
      stop(queue, head, QUEUE_NEEDS_HOST);
      break;
    } else if (result != DONE) {
      halt(iommu, guest, queue, head, AMD_EVENT_ILLEGAL_COMMAND_ERROR);
      break;
    }
    head = (head + 1) & mask;
    atomic.store<u32>(queue, head, QUEUE_CONS);
  }
  tally(queue + QUEUE_COMMANDS, done);
  return done + visited / BLOCKS_PER_COMMAND;
}

// True when the buffer may run. Completes the COMPLETION_WAIT that it is parked at, if
// its wait has ended.
function leaveStop(iommu: usize, guest: u32, context: usize, queue: usize, mask: u32): bool {
  if (
    load<u32>(queue, QUEUE_STATE) == QUEUE_PARKED &&
    syncPassed(load<i64>(queue, QUEUE_PARK_EPOCH))
  ) {
    unpark(iommu, queue);
    const head = load<u32>(queue, QUEUE_CONS);
    if (
      complete(iommu, context, load<u64>(queue, QUEUE_PARKED_D0), load<u64>(queue, QUEUE_PARKED_D1))
    ) {
      atomic.store<u32>(queue, (head + 1) & mask, QUEUE_CONS);
      tally(queue + QUEUE_SYNCS, 1);
      tally(queue + QUEUE_COMMANDS, 1);
    } else {
      halt(iommu, guest, queue, head, AMD_EVENT_COMMAND_HARDWARE_ERROR);
    }
  }
  return load<u32>(queue, QUEUE_STATE) == QUEUE_RUNNING;
}

function round(iommu: usize, guest: u32, context: usize, queue: usize, pointers: i64): u32 {
  if ((atomic.load<u32>(context, AMD_CTX_CONTROL) & maskOf(AMD_CONTROL_CMD_BUF_EN)) == 0) return 0;
  const mask = ((<u32>1) << load<u32>(queue, QUEUE_LOG2SIZE)) - 1;
  const tail = readPointer(pointers, AMD_COMMAND_TAIL, mask);
  const done = leaveStop(iommu, guest, context, queue, mask)
    ? run(iommu, guest, context, queue, tail, mask)
    : 0;
  // The private head is authoritative: a value that a guest has stored there is
  // overwritten.
  const head = load<u32>(queue, QUEUE_CONS);
  if (readPointer(pointers, AMD_COMMAND_HEAD, u32(-1)) != head)
    writePointer(pointers, AMD_COMMAND_HEAD, head);
  return done;
}

function serveOwned(iommu: usize, guest: u32, queue: usize): void {
  const context = contextOf(iommu, guest);
  const pointers = pointersOf(context);
  // The buffer belongs to another machine, whose own unit has to run it.
  if (pointers == NOWHERE || !reaches(context)) {
    if (!releaseUnlessRung(queue, 1)) releaseAndCallHost(queue);
    return;
  }
  for (let i = 0; i < ROUNDS; i++) {
    const seen = rings(queue);
    if (round(iommu, guest, context, queue, pointers) < BUDGET && releaseUnlessRung(queue, seen))
      return;
  }
  releaseAndCallHost(queue);
}

export function serve(iommu: usize, guest: u32): u32 {
  if (guest >= <u32>AMD_GUESTS) return QUEUE_RUNNING;
  const queue = queueBlock(iommu, guest);
  if (ring(queue)) serveOwned(iommu, guest, queue);
  return atomic.load<u32>(queue, QUEUE_STATE);
}

export function doorbell(guest: u32, offset: u32): void {
  if (guest == 0 || guest >= <u32>AMD_GUESTS || offset != AMD_COMMAND_TAIL - AMD_VF_PAGE) return;
  const context = contextOf(HOST_SMMUS, guest);
  if (WINDOW == 0 || load<u32>(context, CTX_WINDOW) != u32(WINDOW)) return;
  atomic.add<i32>(context, 1, CTX_DOORBELL_CALLS);
  serve(HOST_SMMUS, guest);
}

export function serveParked(iommu: usize): u32 {
  if (atomic.load<i32>(iommu, SMMU_AT_PARKED) == 0) return 0;
  for (let guest: u32 = 0; guest < <u32>AMD_GUESTS; guest++) {
    const queue = queueBlock(iommu, guest);
    if (atomic.load<u32>(queue, QUEUE_STATE) != QUEUE_PARKED) continue;
    if (serve(iommu, guest) == QUEUE_PARKED) callHost();
  }
  return u32(atomic.load<i32>(iommu, SMMU_AT_PARKED));
}

export function stepOver(iommu: usize, guest: u32): u32 {
  const queue = queueBlock(iommu, guest & (AMD_GUESTS - 1));
  if (!acquire(queue)) return QUEUE_BUSY;
  if (load<u32>(queue, QUEUE_STATE) == QUEUE_NEEDS_HOST) {
    const mask = ((<u32>1) << load<u32>(queue, QUEUE_LOG2SIZE)) - 1;
    atomic.store<u32>(queue, (load<u32>(queue, QUEUE_CONS) + 1) & mask, QUEUE_CONS);
    tally(queue + QUEUE_COMMANDS, 1);
    atomic.store<u32>(queue, QUEUE_RUNNING, QUEUE_STATE);
  }
  release(queue);
  return QUEUE_ACQUIRED;
}

export function reapThread(iommu: usize, thread: u32): void {
  for (let guest: u32 = 0; guest < <u32>AMD_GUESTS; guest++) {
    const queue = queueBlock(iommu, guest);
    if (load<u32>(queue, QUEUE_OWNER_THREAD) == thread + 1) releaseAndCallHost(queue);
    atomic.cmpxchg<u32>(contextOf(iommu, guest), thread + 1, 0, AMD_CTX_EVENT_OWNER);
  }
  for (let set: u32 = 0; set < <u32>TLB_SETS; set++) reapTlbSet(iommu, set, thread);
  atomic.store<i64>(HOST_THREADS + thread * THREAD_STRIDE, 0, THREAD_IN_FLIGHT);
  callHost();
}
