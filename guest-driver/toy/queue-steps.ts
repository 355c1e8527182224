// SPDX-License-Identifier: MIT
// Steps 9 and 10: a batch that needs both queues, and a command that a VCMDQ refuses.

import { VCMDQ_GERROR, VCMDQ_GERRORN } from '../../assembly/layout/cmdqv-registers';
import {
  ATC_INV_SIZE_ALL,
  CERROR_ILL,
  OP_CFGI_STE_RANGE,
  OP_TLBI_S12_VMALL,
  SYNC_CS_NONE,
  SYNC_CS_SEV,
} from '../../assembly/layout/commands';
import {
  CMDQ_ENTRY_SIZE,
  ECMDQ_CONS_ERR,
  ECMDQ_PROD_ERRACK,
} from '../../assembly/layout/smmu-registers';
import { beginBatch, nextCommand, submitBatch } from '../driver/batch';
import {
  buildAtcInv,
  buildCfgiAll,
  buildCfgiSte,
  buildSync,
  buildTlbiNhAsid,
  buildTlbiS12Vmall,
} from '../driver/build-commands';
import { cmdq, indexOf, Queue } from '../driver/driver-queues';
import { processorQueue } from '../driver/get-cmdq';
import { addPage, invalidateAsid } from '../driver/invalidate-pages';
import { issue } from '../driver/issue';
import { RESULT_OK } from '../driver/result';
import { bitsOf } from '../runtime/guest-fields';
import { read32 } from '../runtime/mmio';
import { put, putDecimal, putHex } from '../runtime/text';
import { ASID, SOURCE_IOVA, TARGET_IOVA } from './address-space';
import { putResult } from './bring-up-steps';
import { check } from './checkpoint-report';
import { directName, toy, usesCmdqv } from './toy-state';

/** A value of CS that no queue supports. */
const SYNC_CS_RESERVED: u32 = SYNC_CS_SEV + 1;
/** Buffer for commands that are sent to a queue without a check that it supports them. */
const RAW: usize = memory.data(64, 64);

/** Entries added to a queue since its PROD was `before`. */
function added(queue: Queue, before: u32): u32 {
  return indexOf(queue, queue.prod - before);
}

/**
 * Three invalidations, a configuration command, two invalidations: two changes of queue.
 */
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
  put(' entries on the ');
  put(directName());
  put(' in two runs, ');
  putDecimal(trapped);
  put(' on the CMDQ, each run with its CMD_SYNC');
  putResult(result);
  check(
    'mixed-batch',
    result == RESULT_OK && added(direct, directBefore) == 7 && trapped == 2 && direct.errors == 0,
  );
}

/**
 * Sends one command and a CMD_SYNC to the processor's queue. True when the queue refused
 * it as illegal and continued.
 */
export function refused(command: usize): bool {
  const queue = processorQueue();
  const errors = queue.errors;
  return (
    issue(queue, command, 1, true) == RESULT_OK &&
    queue.errors == errors + 1 &&
    queue.lastError == CERROR_ILL
  );
}

/**
 * Sends one command and a CMD_SYNC to the processor's queue. True when both completed
 * without an error.
 */
export function accepted(command: usize): bool {
  const queue = processorQueue();
  const errors = queue.errors;
  return issue(queue, command, 1, true) == RESULT_OK && queue.errors == errors;
}

/** Memory offset of a buffer for one command that is sent to a queue unchecked. */
export function rawCommand(): usize {
  return RAW;
}

/**
 * Whether the queue's error has been acknowledged: GERRORN of a VCMDQ, ERRACK of an
 * ECMDQ.
 */
function acknowledged(queue: Queue): bool {
  // CONS is the first register of a VCMDQ's page 0.
  if (usesCmdqv())
    return read32(queue.consGpa + VCMDQ_GERROR) == read32(queue.consGpa + VCMDQ_GERRORN);
  return (
    bitsOf(read32(queue.consGpa), ECMDQ_CONS_ERR) ==
    bitsOf(read32(queue.prodGpa), ECMDQ_PROD_ERRACK)
  );
}

/**
 * A VCMDQ does not support CFGI_ALL, and an SMMU without stage 2 does not support
 * TLBI_S12_VMALL: the queue stops, the interrupt handler skips the command, and the queue
 * processes the commands after it.
 */
export function illegalCommandStep(): void {
  const queue = processorQueue();
  const errors = queue.errors;
  if (usesCmdqv()) buildCfgiAll(RAW);
  else buildTlbiS12Vmall(RAW, 0);
  buildTlbiNhAsid(RAW + CMDQ_ENTRY_SIZE, 0, ASID);
  const result = issue(queue, RAW, 2, true);
  put(usesCmdqv() ? 'CFGI_ALL on the VCMDQ: ' : 'TLBI_S12_VMALL on the ECMDQ: ');
  const wasReported = queue.errors != errors;
  if (wasReported) {
    put('error ');
    putDecimal(queue.lastError);
    put(' at opcode ');
    putHex(queue.lastErrorOpcode);
    put(', skipped by the interrupt handler');
  } else put('no error was reported');
  putResult(result);
  const reported =
    queue.errors == errors + 1 &&
    queue.lastError == CERROR_ILL &&
    queue.lastErrorOpcode == (usesCmdqv() ? OP_CFGI_STE_RANGE : OP_TLBI_S12_VMALL);
  check('illegal-command', result == RESULT_OK && reported);

  const isAcknowledged = acknowledged(queue);
  const again = invalidateAsid(ASID);
  if (!wasReported) put('no error to acknowledge');
  else put(isAcknowledged ? 'error acknowledged' : 'error not acknowledged');
  putResult(again);
  check(
    'illegal-command-recovery',
    isAcknowledged && again == RESULT_OK && queue.errors == errors + 1,
  );
  if (usesCmdqv()) syncSignals();
}

/**
 * A VCMDQ signals neither by interrupt nor by SEV: the only value of CS that it supports
 * is 0.
 */
function syncSignals(): void {
  let illegal: u32 = 0;
  for (let signal: u32 = SYNC_CS_NONE + 1; signal <= SYNC_CS_RESERVED; signal++) {
    buildSync(RAW, signal);
    if (refused(RAW)) illegal++;
  }
  buildSync(RAW, SYNC_CS_NONE);
  const plain = accepted(RAW);
  putDecimal(illegal);
  put(' of 3 CMD_SYNCs with a CS other than 0 end in CERROR_ILL');
  check('sync-signal', illegal == 3 && plain);
}
