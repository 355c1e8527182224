// SPDX-License-Identifier: MIT
// Bounded waiting: the driver never waits without a limit, regardless of the device's
// behaviour.

import { directMapOf, drainedElsewhere } from '../runtime/direct-map';
import { bitsOf } from '../runtime/guest-fields';
import { read32, readChange32, write32 } from '../runtime/mmio';
import { acknowledgeMaps, exitRequested } from '../runtime/safe-point';
import { wait } from '../runtime/vsmmu';
import { freeEntries, indexOf, Queue } from './driver-queues';
import { serviceInterrupts } from './interrupt-handlers';
import { RESULT_OK, RESULT_TIMEOUT } from './result';

/** Reads of a VCMDQ's CONS between two safe points: some tens of nanoseconds. */
const READS_PER_SPIN: u32 = 32;
/**
 * Spins, each followed by a safe point, before the guest offers its processor to the host
 * once.
 */
export const SPINS_PER_WAIT = 1000;
/**
 * The number of spins before the first offer on a queue whose PROD is mapped: some tens
 * of milliseconds. A doorbell that leaves work to the host requests the exit. Otherwise
 * another thread owns the queue: an exit would not make that thread faster, and a busy
 * system's scheduler may keep it off the processor for that long.
 */
export const SPINS_WHILE_OWNED = 1000000;
/**
 * The number while another thread drains the queue, when an exit would gain nothing: some
 * tenths of a second.
 */
export const SPINS_WHILE_DRAINED = 5000000;
/** Waits before the driver gives up on a queue, and the longest duration of each. */
export const QUEUE_WAITS = 200;
export const QUEUE_WAIT_MICROSECONDS = 50;
/** Reads of a register that acknowledges or reports a state, one wait apart. */
export const REGISTER_POLLS = 2000;
export const REGISTER_WAIT_MICROSECONDS = 1;

/** True while the next read of CONS needs no exit before it. */
function isPatient(spins: i32, waits: i32, prodGpa: u32): bool {
  if (spins < SPINS_PER_WAIT) return true;
  if (spins >= SPINS_WHILE_DRAINED || directMapOf(prodGpa) == 0) return false;
  return (waits == 0 && spins < SPINS_WHILE_OWNED) || drainedElsewhere(prodGpa);
}

/**
 * Waits until at least `entries` entries of the ring are free; when all are, the last
 * command has completed. Handles interrupts in the meantime, so that a queue that an
 * error stopped is restarted.
 * @returns RESULT_OK, or RESULT_TIMEOUT after QUEUE_WAITS waits, each after
 *   SPINS_PER_WAIT spins (the first after SPINS_WHILE_OWNED or SPINS_WHILE_DRAINED) or at
 *   the host's request.
 */
export function waitForRoom(queue: Queue, entries: i32): i32 {
  let spins = 0;
  let waits = 0;
  let cons = read32(queue.consGpa);
  while (true) {
    queue.cons = indexOf(queue, cons);
    if (freeEntries(queue) >= entries) return RESULT_OK;
    serviceInterrupts();
    if (!isPatient(++spins, waits, queue.prodGpa) || exitRequested()) {
      if (waits == QUEUE_WAITS) return RESULT_TIMEOUT;
      wait(QUEUE_WAIT_MICROSECONDS);
      spins = 0;
      waits++;
    }
    cons = readChange32(queue.consGpa, cons, READS_PER_SPIN);
  }
}

/** Waits until a field of a register has a value. */
export function waitForField(gpa: u32, field: u32, value: u32): i32 {
  for (let polls = 0; polls < REGISTER_POLLS; polls++) {
    if (bitsOf(read32(gpa), field) == value) return RESULT_OK;
    acknowledgeMaps();
    wait(REGISTER_WAIT_MICROSECONDS);
  }
  return RESULT_TIMEOUT;
}

/**
 * Writes a register and waits until its acknowledge register equals the written value
 * (CR0, IRQ_CTRL).
 */
export function writeAndAcknowledge(gpa: u32, acknowledgeGpa: u32, value: u32): i32 {
  write32(gpa, value);
  for (let polls = 0; polls < REGISTER_POLLS; polls++) {
    if (read32(acknowledgeGpa) == value) return RESULT_OK;
    acknowledgeMaps();
    wait(REGISTER_WAIT_MICROSECONDS);
  }
  return RESULT_TIMEOUT;
}
