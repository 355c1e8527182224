// SPDX-License-Identifier: MIT
// Ownership of a queue block. Whoever raises the counting word from 0 owns the queue;
// everyone else leaves, and the owner, who sees the raised count before it lets go, looks
// again. No doorbell is lost and nobody waits.
//
// The drain also runs on a guest's own stack, behind its doorbell store, and a guest that
// has used its stack up overflows anywhere in it. A thread that finds a queue owned by
// itself has died in it that way (the drain calls nothing that could ring): it takes the
// queue over. What it left is consistent, because every change of state is one store and
// a command that is carried out twice invalidates nothing more.
//
// The owner's number is a plain word: a thread compares it with its own number, which no
// other thread writes, and `reapThread` reads it when its writer is dead. The counting
// word's atomics order it between owners.

import { THREAD_ID } from '../imports/unit';
import { HOST_AT_ATTENTION } from '../layout/host-memory';
import { QUEUE_OWNER_THREAD, QUEUE_OWNERS } from '../layout/queue-memory';

// The host's own calls may meet a side core at work; its rounds are short and bounded.
const ACQUIRE_SPINS = 1000000;

function leftByThisThread(queue: usize): bool {
  return load<i32>(queue, QUEUE_OWNER_THREAD) == THREAD_ID;
}

/** Rings: true when the caller now owns the queue. */
export function ring(queue: usize): bool {
  if (atomic.add<i32>(queue, 1, QUEUE_OWNERS) != 0) return leftByThisThread(queue);
  store<i32>(queue, THREAD_ID, QUEUE_OWNER_THREAD);
  return true;
}

/** What `letGo` compares with: to be read before the work whose completeness it vouches for. */
export function rings(queue: usize): i32 {
  return atomic.load<i32>(queue, QUEUE_OWNERS);
}

/** Lets the queue go, unless somebody rang since `seen` was read. */
export function letGo(queue: usize, seen: i32): bool {
  store<i32>(queue, 0, QUEUE_OWNER_THREAD);
  if (atomic.cmpxchg<i32>(queue, seen, 0, QUEUE_OWNERS) == seen) return true;
  store<i32>(queue, THREAD_ID, QUEUE_OWNER_THREAD);
  return false;
}

/** Lets the queue go although work may be left: the host is told to have it served again. */
export function giveUp(queue: usize): void {
  release(queue);
  callHost();
}

/** Lets the queue go without another look: the caller has it served next. */
export function release(queue: usize): void {
  store<i32>(queue, 0, QUEUE_OWNER_THREAD);
  atomic.store<i32>(queue, 0, QUEUE_OWNERS);
}

/** Takes the queue for an operation of the host. False when another thread keeps it. */
export function acquire(queue: usize): bool {
  for (let i = 0; i < ACQUIRE_SPINS; i++) {
    if (atomic.cmpxchg<i32>(queue, 0, 1, QUEUE_OWNERS) == 0 || leftByThisThread(queue)) {
      store<i32>(queue, THREAD_ID, QUEUE_OWNER_THREAD);
      return true;
    }
  }
  return false;
}

/** Asks for the host at its next safe point. */
export function callHost(): void {
  atomic.add<i32>(0, 1, HOST_AT_ATTENTION);
}
