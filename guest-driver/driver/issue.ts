// SPDX-License-Identifier: MIT
// Sending commands to one queue.

import { CMDQ_ENTRY_SIZE } from '../../assembly/layout/smmu-registers';
import { write32 } from '../runtime/mmio';
import { buildSync } from './build-commands';
import { entryAt, freeEntries, indexOf, Queue, queueSize } from './driver-queues';
import { waitForRoom } from './poll';
import { RESULT_BAD_ARGUMENT, RESULT_OK, RESULT_QUEUE_OFF } from './result';

/**
 * Writes `count` commands to a queue, with `sync` followed by a CMD_SYNC, and publishes
 * all of them with one store to PROD. Waits for room first; with `sync` it also waits for
 * completion.
 * @param commands memory offset of the commands, 16 bytes each.
 */
export function issue(queue: Queue, commands: usize, count: u32, sync: bool): i32 {
  if (queue.enabled == 0) return RESULT_QUEUE_OFF;
  const total: i32 = count + (sync ? 1 : 0);
  if (total > <i32>queueSize(queue)) return RESULT_BAD_ARGUMENT;
  if (total == 0) return RESULT_OK;
  if (freeEntries(queue) < total) {
    const room = waitForRoom(queue, total);
    if (room != RESULT_OK) return room;
  }
  let prod = queue.prod;
  for (let i: u32 = 0; i < count; i++, prod++) {
    v128.store(entryAt(queue, prod), v128.load(commands + i * CMDQ_ENTRY_SIZE));
  }
  if (sync) buildSync(entryAt(queue, prod++), queue.signal);
  queue.prod = indexOf(queue, prod);
  write32(queue.prodGpa, queue.prod | queue.flags);
  return sync ? waitForRoom(queue, queueSize(queue)) : RESULT_OK;
}
