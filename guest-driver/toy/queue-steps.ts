// Steps 9 and 10: a batch for both queues, and a command that a VCMDQ refuses.

import { VCMDQ_GERROR, VCMDQ_GERRORN } from '../../assembly/layout/cmdqv-registers';
import { ATC_INV_SIZE_ALL, CERROR_ILL, OP_CFGI_STE_RANGE } from '../../assembly/layout/commands';
import { CMDQ_ENTRY_SIZE } from '../../assembly/layout/smmu-registers';
import { beginBatch, nextCommand, submitBatch } from '../driver/batch';
import { buildAtcInv, buildCfgiAll, buildCfgiSte, buildTlbiNhAsid } from '../driver/commands';
import { processorQueue } from '../driver/get-cmdq';
import { addPage, invalidateAsid } from '../driver/invalidate';
import { issue } from '../driver/issue';
import { cmdq, indexOf, Queue } from '../driver/queue';
import { RESULT_OK } from '../driver/result';
import { read32 } from '../runtime/mmio';
import { put, putDecimal, putHex } from '../runtime/text';
import { ASID, SOURCE_IOVA, TARGET_IOVA } from './address-space';
import { putResult } from './bring-up-steps';
import { check } from './checkpoint';
import { toy } from './toy-state';

/** Room for the commands that go to a queue without regard to what it takes. */
const RAW: usize = memory.data(64, 64);

/** Entries that a queue was given since its PROD was `before`. */
function added(queue: Queue, before: u32): u32 {
  return indexOf(queue, queue.prod - before);
}

/** Three invalidations, a configuration command, two invalidations: two changes of queue. */
export function mixedBatchStep(): void {
  const state = toy();
  const direct = processorQueue();
  const directBefore = direct.prod;
  const trappedBefore = cmdq().prod;
  beginBatch();
  addPage(ASID, SOURCE_IOVA);
  addPage(ASID, TARGET_IOVA);
  buildAtcInv(nextCommand(), state.sid, 0, ATC_INV_SIZE_ALL);
  buildCfgiSte(nextCommand(), state.sid);
  addPage(ASID, SOURCE_IOVA);
  buildTlbiNhAsid(nextCommand(), 0, ASID);
  const result = submitBatch();
  const trapped = added(cmdq(), trappedBefore);
  if (direct == cmdq()) {
    putDecimal(trapped);
    put(' entries on the CMDQ');
    putResult(result);
    check('mixed-batch', result == RESULT_OK && trapped == 7);
    return;
  }
  putDecimal(added(direct, directBefore));
  put(' entries on the VCMDQ in two runs, ');
  putDecimal(trapped);
  put(' on the CMDQ, each run with its CMD_SYNC');
  putResult(result);
  check('mixed-batch', result == RESULT_OK && added(direct, directBefore) == 7 && trapped == 2 && direct.errors == 0);
}

/** Sends one command and a CMD_SYNC to the processor's queue. True when the queue refused it as illegal and went on. */
export function refused(command: usize): bool {
  const queue = processorQueue();
  const errors = queue.errors;
  return issue(queue, command, 1, true) == RESULT_OK && queue.errors == errors + 1 && queue.lastError == CERROR_ILL;
}

/** Sends one command and a CMD_SYNC to the processor's queue. True when both completed without an error. */
export function accepted(command: usize): bool {
  const queue = processorQueue();
  const errors = queue.errors;
  return issue(queue, command, 1, true) == RESULT_OK && queue.errors == errors;
}

/** Memory offset of room for one command that goes to a queue as it is. */
export function rawCommand(): usize {
  return RAW;
}

/** CFGI_ALL is not for a VCMDQ: the queue stops, the interrupt handler steps over it, what stands behind it is served. */
export function illegalCommandStep(): void {
  const queue = processorQueue();
  const errors = queue.errors;
  buildCfgiAll(RAW);
  buildTlbiNhAsid(RAW + CMDQ_ENTRY_SIZE, 0, ASID);
  const result = issue(queue, RAW, 2, true);
  put('CFGI_ALL on the VCMDQ: CONS.ERR ');
  putDecimal(queue.lastError);
  put(' at opcode ');
  putHex(queue.lastErrorOpcode);
  put(', skipped by the interrupt handler');
  putResult(result);
  const reported = queue.errors == errors + 1 && queue.lastError == CERROR_ILL && queue.lastErrorOpcode == OP_CFGI_STE_RANGE;
  check('illegal-command', result == RESULT_OK && reported);

  // CONS is the first register of the queue's page 0.
  const gerror = read32(queue.consGpa + VCMDQ_GERROR);
  const acknowledged = gerror == read32(queue.consGpa + VCMDQ_GERRORN);
  const again = invalidateAsid(ASID);
  put('GERROR ');
  putHex(gerror);
  put(acknowledged ? ' acknowledged' : ' not acknowledged');
  putResult(again);
  check('illegal-command-recovery', acknowledged && again == RESULT_OK && queue.errors == errors + 1);
}
