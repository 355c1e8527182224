// SPDX-License-Identifier: MIT
// CMD_SYNC: its wait, and its completion signal (IHI 0070 section 4.7.3).

import { resolve, store32 } from '../imports/port';
import { SYNC_CS, SYNC_CS_IRQ } from '../layout/commands';
import { NO_OFFSET } from '../layout/guest-port-results';
import {
  QUEUE_CONS,
  QUEUE_KIND,
  QUEUE_KIND_MAIN,
  QUEUE_MSI_BITS,
  QUEUE_PARK_EPOCH,
  QUEUE_PARKED,
  QUEUE_PARKED_D0,
  QUEUE_PARKED_D1,
  QUEUE_STATE,
} from '../layout/queue-memory';
import { SMMU_AT_PARKED, STAT_MSIS, STAT_PARKS } from '../layout/smmu-memory';
import { bits } from '../lib/fields';
import { beginSync, noneInFlight, syncPassed } from '../smmu-core/in-flight';
import { locate, NOWHERE, store32At } from '../smmu-core/physical-memory';
import { stat, unpark } from './queue-words';

/** MSIADDR[51:2] in the second doubleword. */
const MSI_ADDRESS: u64 = 0x000ffffffffffffc;

/**
 * Whether a CMD_SYNC is complete; otherwise parks the queue. The unit that removes the
 * last obstacle, such as the one whose access leaves, runs the queue again. The second
 * `syncPassed` closes the gap between the first one and the moment when leaving accesses
 * can see the parked queue.
 * @param d0 doubleword 0 of the command. Both are saved, as a guest may overwrite its
 *   ring before the wait ends.
 * @param d1 doubleword 1.
 * @param held the command also waits for the ATC invalidations before it.
 */
export function sync(
  smmu: usize,
  queue: usize,
  cons: u32,
  d0: u64,
  d1: u64,
  held: bool = false,
): bool {
  if (!held && noneInFlight()) return true;
  const epoch = beginSync();
  if (!held && syncPassed(epoch)) return true;
  atomic.store<u32>(queue, cons, QUEUE_CONS);
  store<i64>(queue, epoch, QUEUE_PARK_EPOCH);
  store<u64>(queue, d0, QUEUE_PARKED_D0);
  store<u64>(queue, d1, QUEUE_PARKED_D1);
  atomic.store<u32>(queue, QUEUE_PARKED, QUEUE_STATE);
  atomic.add<i32>(smmu, 1, SMMU_AT_PARKED);
  if (held || !syncPassed(epoch)) {
    stat(smmu, STAT_PARKS);
    return false;
  }
  unpark(smmu, queue);
  return true;
}

/**
 * Signals a complete CMD_SYNC: CS = IRQ with a non-zero address writes the MSI, 32 bits,
 * to the memory of the queue's owner. CONS is stored first: Linux lets the MSI overwrite
 * the command itself, which must not be fetched again.
 * @param next CONS after the command.
 * @returns true when the signal has been sent, or the command requests none that the
 *   drain sends. False, with nothing changed, when the address is not RAM of the owner:
 *   the host then sends the MSI or reports its abort.
 */
export function signal(smmu: usize, queue: usize, next: u32, d0: u64, d1: u64): bool {
  const addressBits = load<u32>(queue, QUEUE_MSI_BITS);
  if (addressBits == 0 || bits(u32(d0), SYNC_CS) != SYNC_CS_IRQ || (d1 & MSI_ADDRESS) == 0)
    return true;
  const address = d1 & MSI_ADDRESS & ((u64(1) << u64(addressBits)) - 1);
  const data = u32(d0 >> 32);
  if (load<u32>(queue, QUEUE_KIND) == QUEUE_KIND_MAIN) {
    const place = locate(address, 4);
    if (place == NOWHERE) return false;
    atomic.store<u32>(queue, next, QUEUE_CONS);
    store32At(place, data);
  } else {
    const offset = resolve(address, 4);
    if (offset == u32(NO_OFFSET)) return false;
    atomic.store<u32>(queue, next, QUEUE_CONS);
    store32(offset, data);
  }
  stat(smmu, STAT_MSIS);
  return true;
}
