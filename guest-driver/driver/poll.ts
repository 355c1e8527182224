// SPDX-License-Identifier: MIT
// Bounded waiting. Nothing in the driver waits without a limit, whatever a device does.

import { directMapOf, drainedElsewhere } from '../runtime/direct-map';
import { bitsOf } from '../runtime/guest-fields';
import { read32, readChange32, write32 } from '../runtime/mmio';
import { acknowledgeMaps, exitRequested } from '../runtime/safe-point';
import { wait } from '../runtime/vsmmu';
import { freeEntries, indexOf, Queue } from './driver-queues';
import { serviceInterrupts } from './interrupt-handlers';
import { RESULT_OK, RESULT_TIMEOUT } from './result';

/** Looks at CONS of a VCMDQ between two safe points: some tens of nanoseconds. */
const LOOKS_PER_SPIN: u32 = 32;
/** Spins before the guest offers its processor to the host once, each of which ends with a safe point. */
export const SPINS_PER_WAIT = 1000;
/**
 * The same before the first time, on a queue whose PROD is mapped: some tens of milliseconds. A doorbell
 * that leaves work to the host asks for the exit. Without that, another thread has the queue, which an
 * exit would not bring on, and which may have no processor for as long as a busy system's scheduler
 * gives it none.
 */
export const SPINS_BESIDE_OWNER = 1000000;
/** The same while the queue is drained on a thread of its own: to leave would gain nothing. Some tenths of a second. */
export const SPINS_BESIDE_DRAIN = 5000000;
/** Waits after which a queue is given up on, and how long each takes at most. */
export const QUEUE_WAITS = 200;
export const QUEUE_WAIT_MICROSECONDS = 50;
/** Looks at a register that acknowledges or reports a state, one wait apart. */
export const REGISTER_POLLS = 2000;
export const REGISTER_WAIT_MICROSECONDS = 1;

/** True while the next look at a queue is made without an exit before it. */
function isPatient(spins: i32, waits: i32, prodGpa: u32): bool {
  if (spins < SPINS_PER_WAIT) return true;
  if (spins >= SPINS_BESIDE_DRAIN || directMapOf(prodGpa) == 0) return false;
  return (waits == 0 && spins < SPINS_BESIDE_OWNER) || drainedElsewhere(prodGpa);
}

/**
 * Waits until at least `entries` entries of the ring are free, all of them to see the last command completed. Serves
 * interrupts meanwhile, so that a queue stopped by an error gets going again.
 * @returns RESULT_OK, or RESULT_TIMEOUT after QUEUE_WAITS waits, each after
 *   SPINS_PER_WAIT (the first SPINS_BESIDE_OWNER; SPINS_BESIDE_DRAIN) spins or at the host's wish.
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
    cons = readChange32(queue.consGpa, cons, LOOKS_PER_SPIN);
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

/** Writes a register and waits until its acknowledge register equals what was written (CR0, IRQ_CTRL). */
export function writeAndAcknowledge(gpa: u32, acknowledgeGpa: u32, value: u32): i32 {
  write32(gpa, value);
  for (let polls = 0; polls < REGISTER_POLLS; polls++) {
    if (read32(acknowledgeGpa) == value) return RESULT_OK;
    acknowledgeMaps();
    wait(REGISTER_WAIT_MICROSECONDS);
  }
  return RESULT_TIMEOUT;
}
