// SPDX-License-Identifier: MIT
// An attack through everything that a guest can access without an exit: the words of its
// doorbell page, and the ring itself.

import { VCMDQ_STATUS } from '../../assembly/layout/cmdqv-registers';
import { CMDQ_ENTRY_SIZE } from '../../assembly/layout/smmu-registers';
import { indexOf, Queue, queueSize } from '../driver/driver-queues';
import { processorQueue } from '../driver/get-cmdq';
import { invalidateAsid } from '../driver/invalidate-pages';
import { issue } from '../driver/issue';
import { RESULT_OK } from '../driver/result';
import { startVcmdq, stopVcmdq } from '../driver/vcmdq';
import { read32, write32 } from '../runtime/mmio';
import { put, putDecimal } from '../runtime/text';
import { ASID } from './address-space';
import { beginAttack, endAttack } from './attack-bracket';

const GARBAGE_COMMANDS: u32 = 16;
const GARBAGE: usize = memory.data(256, 64);
/**
 * No opcode of any queue has these low bits: the first command is certain to be refused.
 */
const NO_OPCODE: u64 = 0xff;

/**
 * CONS and STATUS are read-only: the host restores them after a store of the guest. True
 * when it restored both.
 */
function overwriteReadOnly(queue: Queue): bool {
  const status = read32(queue.consGpa + VCMDQ_STATUS);
  write32(queue.consGpa, 0x5a5a5);
  write32(queue.consGpa + VCMDQ_STATUS, ~status);
  const served = invalidateAsid(ASID) == RESULT_OK;
  return (
    served &&
    indexOf(queue, read32(queue.consGpa)) == queue.prod &&
    read32(queue.consGpa + VCMDQ_STATUS) == status
  );
}

/**
 * Sends sixteen commands of arbitrary bits.
 * @returns how many were refused, -1 when the queue did not get through them.
 */
function sendGarbage(queue: Queue): i32 {
  const errors = queue.errors;
  let bits: u64 = 0x9e3779b97f4a7c15;
  for (let at: usize = 0; at < GARBAGE_COMMANDS * CMDQ_ENTRY_SIZE; at += 8) {
    bits ^= bits << 13;
    bits ^= bits >> 7;
    bits ^= bits << 17;
    store<u64>(GARBAGE + at, at == 0 ? bits | NO_OPCODE : bits);
  }
  const result = issue(queue, GARBAGE, GARBAGE_COMMANDS, true);
  return result == RESULT_OK ? queue.errors - errors : -1;
}

export function ringAttack(): void {
  beginAttack(7);
  const queue = processorQueue();
  const repaired = overwriteReadOnly(queue);
  const refused = sendGarbage(queue);
  // PROD two rings ahead of CONS: no driver does this.
  write32(queue.prodGpa, queue.prod + 2 * queueSize(queue) + 1);
  let result = stopVcmdq(0);
  if (result == RESULT_OK) result = startVcmdq(0);
  if (result == RESULT_OK) result = invalidateAsid(ASID);
  put(repaired ? 'CONS and STATUS put right, ' : 'CONS or STATUS stay overwritten, ');
  putDecimal(max<i32>(refused, 0));
  put(' of ');
  putDecimal(GARBAGE_COMMANDS);
  put(' random commands refused, queue ');
  put(result == RESULT_OK ? 'restarted' : 'lost');
  endAttack('attack-ring', repaired && refused > 0 && result == RESULT_OK);
}
