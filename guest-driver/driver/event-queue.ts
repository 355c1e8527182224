// SPDX-License-Identifier: MIT
// The consumer of an SMMU's event queue. It keeps copies of the last records.

import { ABI_MAX_SMMUS } from '../../assembly/layout/guest-abi';
import {
  EVENTQ_ENTRY_SIZE,
  Q_OVFLG,
  SMMU_EVENTQ_CONS,
  SMMU_EVENTQ_PROD,
} from '../../assembly/layout/smmu-registers';
import { bitsOf, withBits } from '../runtime/guest-fields';
import { read32, write32 } from '../runtime/mmio';
import { selectedSmmu } from './selected-smmu';
import { smmu } from './smmu';

/** Number of kept records, a power of two. */
export const KEPT_EVENTS = 16;

class EventQueue {
  /** Memory offset of the ring. */
  ring: usize = 0;
  /** Number of records in the ring as log2. */
  log2size: u32 = 0;
  /** Index, wrap bit and OVACKFLG. */
  cons: u32 = 0;
  /** Records removed since the reset. */
  records: u32 = 0;
  /** Overflows seen since the reset. */
  overflows: u32 = 0;
}

const QUEUES: usize = memory.data(ABI_MAX_SMMUS * offsetof<EventQueue>(), 64);
const KEPT: usize = memory.data(ABI_MAX_SMMUS * KEPT_EVENTS * EVENTQ_ENTRY_SIZE, 64);

function eventQueue(): EventQueue {
  return changetype<EventQueue>(QUEUES + selectedSmmu() * offsetof<EventQueue>());
}

/** Memory offset of the ring. */
export function eventRing(): usize {
  return eventQueue().ring;
}

/** Number of records in the ring as log2. */
export function eventRingLog2(): u32 {
  return eventQueue().log2size;
}

/** Starts to use a ring, which is empty. */
export function resetEventQueue(ring: usize, log2size: u32): void {
  const queue = eventQueue();
  queue.ring = ring;
  queue.log2size = log2size;
  queue.cons = 0;
  queue.records = 0;
  queue.overflows = 0;
}

/** Records removed so far. */
export function eventCount(): u32 {
  return eventQueue().records;
}

/** How often the device had to drop records. */
export function eventOverflows(): u32 {
  return eventQueue().overflows;
}

/**
 * Memory offset of a record by its number, from 0. A record is overwritten KEPT_EVENTS
 * records later.
 */
export function eventRecord(number: u32): usize {
  const kept = selectedSmmu() * KEPT_EVENTS + (number & (KEPT_EVENTS - 1));
  return KEPT + <usize>kept * EVENTQ_ENTRY_SIZE;
}

/**
 * Removes every record from the queue and writes CONS after each; then acknowledges an
 * overflow.
 */
export function drainEvents(): void {
  const queue = eventQueue();
  const gpa = smmu().gpa;
  const indexMask: u32 = (2 << queue.log2size) - 1;
  const entries: u32 = 1 << queue.log2size;
  if (queue.ring == 0) return;
  let prod = read32(gpa + SMMU_EVENTQ_PROD);
  // The size of the ring bounds the loop: a device that never stops producing raises
  // another interrupt.
  for (let taken: u32 = 0; taken < entries && ((prod ^ queue.cons) & indexMask) != 0; taken++) {
    const entry = queue.ring + (queue.cons & (entries - 1)) * EVENTQ_ENTRY_SIZE;
    memory.copy(eventRecord(queue.records), entry, EVENTQ_ENTRY_SIZE);
    queue.records++;
    queue.cons = (queue.cons & ~indexMask) | ((queue.cons + 1) & indexMask);
    write32(gpa + SMMU_EVENTQ_CONS, queue.cons);
    prod = read32(gpa + SMMU_EVENTQ_PROD);
  }
  if (bitsOf(prod, Q_OVFLG) != bitsOf(queue.cons, Q_OVFLG)) {
    queue.overflows++;
    queue.cons = withBits(queue.cons, Q_OVFLG, bitsOf(prod, Q_OVFLG));
    write32(gpa + SMMU_EVENTQ_CONS, queue.cons);
  }
}
