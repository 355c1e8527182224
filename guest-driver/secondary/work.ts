// SPDX-License-Identifier: MIT
// Carries out a WorkBlock. Like all code of secondary vCPUs it has no data, no heap and
// no mutable globals: several vCPUs run it on one memory at once.

import {
  ABI_AT_INVALIDATING,
  ABI_AT_VCPU_EXITS,
  ABI_AT_VCPU_INVALIDATING,
  ABI_INVALIDATING_DIRECT,
  ABI_MAP_DOORBELL,
  ABI_MAP_FLAG_DOORBELL,
  ABI_MAP_FLAGS,
  ABI_MAP_OFFSET,
} from '../../assembly/layout/guest-abi';
import { buildSync, buildTlbiNhVa } from '../driver/build-commands';
import { entryAt, indexOf, Queue, queueSize } from '../driver/ring';
import { directMapOf, offsetInRange, wakeDrain } from '../runtime/direct-map';
import { acknowledgeMapsOf, exitRequested } from '../runtime/safe-point';
import { clock_ns, doorbell, mmio_read32, mmio_write32, wait } from '../runtime/vsmmu';
import { QueueLock, WorkBlock, WorkShare } from './work-block';

const PAGE_SHIFT = 12;
/** Entries of a table. */
const TABLE_ENTRIES: u32 = 512;
/**
 * Reads of the count of ready vCPUs before the work begins without the others: some ten
 * milliseconds. Inline vCPUs never become ready in time.
 */
const READY_LOOKS = 5000000;
/**
 * Reads of CONS, or of a lock, before the vCPU offers its processor to the host, and how
 * often it does that: seconds in all.
 */
const LOOKS_PER_WAIT: u32 = 20000000;
const WAITS: u32 = 20;
const WAIT_MICROSECONDS = 50;

function readRegister(gpa: u32): u32 {
  const entry = directMapOf(gpa);
  return entry == 0
    ? mmio_read32(gpa)
    : atomic.load<u32>(load<u32>(entry, ABI_MAP_OFFSET) + offsetInRange(entry, gpa));
}

/** Stores PROD and rings the doorbell if needed. True when a doorbell was rung. */
function storeProd(gpa: u32, value: u32): bool {
  const entry = directMapOf(gpa);
  if (entry == 0) {
    mmio_write32(gpa, value);
    return false;
  }
  const offset = offsetInRange(entry, gpa);
  atomic.store<u32>(load<u32>(entry, ABI_MAP_OFFSET) + offset, value);
  if ((load<u32>(entry, ABI_MAP_FLAGS) & ABI_MAP_FLAG_DOORBELL) == 0) {
    wakeDrain();
    return false;
  }
  doorbell(load<u32>(entry, ABI_MAP_DOORBELL), offset);
  return true;
}

/** A safe point in a polling loop: true when the caller has waited long enough. */
function impatient(vcpu: u32, looks: u32): bool {
  acknowledgeMapsOf(vcpu);
  if (looks % LOOKS_PER_WAIT != 0 && !exitRequested()) return false;
  wait(WAIT_MICROSECONDS);
  return looks >= LOOKS_PER_WAIT * WAITS;
}

function takeLock(vcpu: u32, lock: usize): bool {
  for (
    let looks: u32 = 1;
    atomic.cmpxchg<u32>(lock, 0, 1, offsetof<QueueLock>('taken')) != 0;
    looks++
  )
    if (impatient(vcpu, looks)) return false;
  return true;
}

/** Entries of the queue that have not been consumed. */
function pending(queue: Queue): u32 {
  return indexOf(queue, queue.prod - readRegister(queue.consGpa));
}

function waitForRoom(vcpu: u32, queue: Queue, entries: u32): bool {
  for (let looks: u32 = 1; pending(queue) + entries > queueSize(queue); looks++)
    if (impatient(vcpu, looks)) return false;
  return true;
}

/**
 * Waits until the entries sent before `ticket` have been consumed. It compares counts of
 * entries, not indexes: other vCPUs may move CONS around the whole ring while this vCPU
 * has no processor. A count that changes while CONS is read is inconclusive.
 */
function waitForTicket(vcpu: u32, queue: Queue, lock: usize, ticket: u32): bool {
  let looks: u32 = 0;
  while (true) {
    const sent = atomic.load<u32>(lock, offsetof<QueueLock>('sent'));
    const consumed = sent - pending(queue);
    if (
      <i32>(consumed - ticket) >= 0 &&
      atomic.load<u32>(lock, offsetof<QueueLock>('sent')) == sent
    )
      return true;
    if (impatient(vcpu, ++looks)) return false;
  }
}

/** Stores a descriptor for each page of a batch. */
function storeLeaves(block: WorkBlock, iova: u64, descriptor: u64): void {
  const first = <u32>(iova >> PAGE_SHIFT);
  for (let page: u32 = 0; page < block.commands; page++)
    atomic.store<u64>(block.leaves + (((first + page) % TABLE_ENTRIES) << 3), descriptor);
}

/** Runs one batch with its CMD_SYNC, from the first command to completion. */
function runBatch(vcpu: u32, block: WorkBlock, iova: u64): bool {
  const queue = changetype<Queue>(block.queue);
  const lock = changetype<QueueLock>(block.lock);
  const total = block.commands + 1;
  if (block.leaves != 0) {
    storeLeaves(block, iova, block.descriptor);
    storeLeaves(block, iova, 0);
  }
  if (!takeLock(vcpu, block.lock)) return false;
  const room = waitForRoom(vcpu, queue, total);
  const ticket = lock.sent + total;
  if (room) {
    let prod = queue.prod;
    for (let i: u32 = 0; i < block.commands; i++, prod++) {
      buildTlbiNhVa(entryAt(queue, prod), 0, block.asid, iova + ((<u64>i) << PAGE_SHIFT));
    }
    buildSync(entryAt(queue, prod++), queue.signal);
    // PROD is stored before the count: a reader of the count then sees how far the queue
    // is filled.
    queue.prod = indexOf(queue, prod);
    atomic.store<u32>(block.lock, ticket, offsetof<QueueLock>('sent'));
    if (storeProd(queue.prodGpa, queue.prod | queue.flags)) block.doorbells++;
  }
  atomic.store<u32>(block.lock, 0, offsetof<QueueLock>('taken'));
  return room && waitForTicket(vcpu, queue, block.lock, ticket);
}

function exits(vcpu: u32): u32 {
  return atomic.load<u32>(vcpu << 2, ABI_AT_VCPU_EXITS);
}

function setInvalidating(vcpu: u32, invalidating: u32): void {
  if (vcpu == 0) atomic.store<u32>(0, invalidating, ABI_AT_INVALIDATING);
  else atomic.store<u32>(vcpu << 2, invalidating, ABI_AT_VCPU_INVALIDATING);
}

/** Does all of a block's work on the calling vCPU. */
export function runWork(vcpu: u32, block: WorkBlock): void {
  const share = changetype<WorkShare>(block.share);
  atomic.add<u32>(block.share, 1, offsetof<WorkShare>('ready'));
  for (let looks = 0; looks < READY_LOOKS; looks++) {
    if (atomic.load<u32>(block.share, offsetof<WorkShare>('ready')) >= share.vcpus) break;
    acknowledgeMapsOf(vcpu);
  }
  for (let sample: u32 = 0; sample < block.samples; sample++) {
    let iova = block.iova;
    const start = clock_ns();
    const before = exits(vcpu);
    setInvalidating(vcpu, ABI_INVALIDATING_DIRECT);
    for (
      let batch: u32 = 0;
      batch < block.batches;
      batch++, iova += (<u64>block.commands) << PAGE_SHIFT
    ) {
      if (!runBatch(vcpu, block, iova)) block.failures++;
    }
    setInvalidating(vcpu, 0);
    block.exits += exits(vcpu) - before;
    store<f64>(block.results + (sample << 3), (clock_ns() - start) / <f64>block.batches);
  }
  atomic.store<u32>(changetype<usize>(block), 1, offsetof<WorkBlock>('done'));
}
