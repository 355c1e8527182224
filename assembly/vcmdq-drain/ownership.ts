// SPDX-License-Identifier: MIT
// Ownership of a queue block. The thread that raises the owner count from 0 owns the
// queue. Any other thread only raises the count and returns; the owner sees the raised
// count before it releases the queue, and serves it again. No doorbell is lost and no
// thread waits.
//
// The drain also runs on the guest's Wasm stack, called by a doorbell store, and a guest
// can make that stack overflow at any instruction of the drain. The drain calls nothing
// that could ring a doorbell, so a thread that finds a queue owned by itself was aborted
// in that way: it takes the queue over. The state it left is consistent: every change of
// state is a single store, and a command that is executed twice only invalidates the same
// entries again.
//
// QUEUE_OWNER_THREAD is a plain word. A thread compares it with its own number, which no
// other thread writes, and `reapThread` reads it only when its writer is dead. The
// atomics on the owner count order its accesses between owners.

import { THREAD_ID } from '../imports/unit';
import { HOST_AT_ATTENTION } from '../layout/host-memory';
import { QUEUE_OWNER_THREAD, QUEUE_OWNERS } from '../layout/queue-memory';

// A call of the host may find the queue owned by a side core, whose rounds are short and
// bounded.
const ACQUIRE_SPINS = 1000000;

// True when this thread owns the queue since a call that was aborted.
function abortedInThisThread(queue: usize): bool {
  return load<i32>(queue, QUEUE_OWNER_THREAD) == THREAD_ID;
}

/** Rings the queue: raises the owner count. True when the caller now owns the queue. */
export function ring(queue: usize): bool {
  if (atomic.add<i32>(queue, 1, QUEUE_OWNERS) != 0) return abortedInThisThread(queue);
  store<i32>(queue, THREAD_ID, QUEUE_OWNER_THREAD);
  return true;
}

/** The owner count, for `releaseUnlessRung`. Read it before the round that it covers. */
export function rings(queue: usize): i32 {
  return atomic.load<i32>(queue, QUEUE_OWNERS);
}

/**
 * Releases the queue unless it was rung after `seen` was read; false when the caller
 * still owns it.
 */
export function releaseUnlessRung(queue: usize, seen: i32): bool {
  store<i32>(queue, 0, QUEUE_OWNER_THREAD);
  if (atomic.cmpxchg<i32>(queue, seen, 0, QUEUE_OWNERS) == seen) return true;
  store<i32>(queue, THREAD_ID, QUEUE_OWNER_THREAD);
  return false;
}

/**
 * Releases the queue although work may remain, and requests the host's attention, so that
 * the queue is served again.
 */
export function releaseAndCallHost(queue: usize): void {
  release(queue);
  callHost();
}

/** Releases the queue without checking for rings: the caller has it served next. */
export function release(queue: usize): void {
  store<i32>(queue, 0, QUEUE_OWNER_THREAD);
  atomic.store<i32>(queue, 0, QUEUE_OWNERS);
}

/**
 * Acquires the queue for an operation of the host. False when another thread keeps it.
 */
export function acquire(queue: usize): bool {
  for (let i = 0; i < ACQUIRE_SPINS; i++) {
    if (atomic.cmpxchg<i32>(queue, 0, 1, QUEUE_OWNERS) == 0 || abortedInThisThread(queue)) {
      store<i32>(queue, THREAD_ID, QUEUE_OWNER_THREAD);
      return true;
    }
  }
  return false;
}

/**
 * Requests the host's attention: raises HOST_AT_ATTENTION, which the host compares at
 * each of its safe points. Returns at once.
 */
export function callHost(): void {
  atomic.add<i32>(0, 1, HOST_AT_ATTENTION);
}
