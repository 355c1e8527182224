// SPDX-License-Identifier: MIT
// Accesses in flight, and what CMD_SYNC needs to know about them. An access registers
// before its lookup and leaves after its last byte. A CMD_SYNC is complete when every
// access that began before it has left (IHI 0070 section 4.7.3: the invalidation is then
// visible to all translations, and no earlier use is outstanding).

import { THREAD } from '../imports/unit';
import {
  HOST_AT_SYNC_EPOCH,
  HOST_AT_THREADS,
  HOST_THREADS,
  THREAD_STRIDE,
} from '../layout/host-memory';
import { THREAD_IN_FLIGHT } from '../layout/thread-memory';

/**
 * Registers this thread's access. The store is atomic so that a CMD_SYNC on another
 * thread sees it.
 */
export function accessBegin(): void {
  atomic.store<i64>(THREAD, atomic.load<i64>(0, HOST_AT_SYNC_EPOCH) + 1, THREAD_IN_FLIGHT);
}

export function accessEnd(): void {
  atomic.store<i64>(THREAD, 0, THREAD_IN_FLIGHT);
}

/**
 * True when no access is in flight at all: every CMD_SYNC is then complete. An access
 * that has not registered yet does its lookup after this thread's invalidations, so no
 * epoch is needed to tell it from earlier ones.
 */
export function noneInFlight(): bool {
  const threads = atomic.load<i32>(0, HOST_AT_THREADS);
  for (let i = 0; i < threads; i++) {
    if (atomic.load<i64>(HOST_THREADS + i * THREAD_STRIDE, THREAD_IN_FLIGHT) != 0) return false;
  }
  return true;
}

/**
 * Starts a CMD_SYNC and returns its epoch. It does not wait for accesses that begin
 * later.
 */
export function beginSync(): i64 {
  return atomic.add<i64>(0, 1, HOST_AT_SYNC_EPOCH) + 1;
}

/** True when every access that began before `beginSync` returned this epoch has ended. */
export function syncPassed(epoch: i64): bool {
  const threads = atomic.load<i32>(0, HOST_AT_THREADS);
  for (let i = 0; i < threads; i++) {
    const began = atomic.load<i64>(HOST_THREADS + i * THREAD_STRIDE, THREAD_IN_FLIGHT);
    if (began != 0 && began <= epoch) return false;
  }
  return true;
}
