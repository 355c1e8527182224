// SPDX-License-Identifier: MIT
// Step 21: a device with an ATC. Its entries are stale until ATC_INV, and a CMD_SYNC
// after an ATC_INV waits for the device's answer.

import {
  DMA_ATS_ENABLE,
  DMA_ATS_SILENT,
  DMA_STATUS_DONE,
  DMA_STATUS_READ_FAULT,
} from '../../assembly/layout/dma-engine-registers';
import { CMDQ_ENTRY_SIZE, IDR0_ATS } from '../../assembly/layout/smmu-registers';
import { beginBatch, nextCommand, submitBatch } from '../driver/batch';
import { buildAtcInv, buildSync } from '../driver/build-commands';
import { indexOf, Queue, queueSize } from '../driver/driver-queues';
import { processorQueue } from '../driver/get-cmdq';
import { invalidatePages } from '../driver/invalidate-pages';
import { issue } from '../driver/issue';
import { waitForRoom } from '../driver/poll';
import { RESULT_OK } from '../driver/result';
import { smmu } from '../driver/smmu';
import { mapPages, unmapPages } from '../driver/stage1-table';
import { attachStage1, detachStream } from '../driver/stream-table';
import { gpaOf } from '../runtime/abi';
import { bitsOf } from '../runtime/guest-fields';
import { read32 } from '../runtime/mmio';
import { put, putDecimal } from '../runtime/text';
import { wait } from '../runtime/vsmmu';
import { ASID, fillWords, SOURCE_IOVA } from './address-space';
import { putResult } from './bring-up-steps';
import { check } from './checkpoint-report';
import { dmaSetAts, dmaVerify } from './dma-requests';
import { rawCommand } from './queue-steps';
import { toy } from './toy-state';

const PROBE_BYTES: u32 = 256;
const PATTERN: u32 = 0x77777777;
/**
 * Reads of CONS until the queue is at the CMD_SYNC, and further reads to see that it
 * stays there.
 */
const LOOKS = 100;
const STAYS = 3;
const LOOK_MICROSECONDS = 50;

/** Whether the SMMU supports ATS. */
export function hasAts(): bool {
  return bitsOf(smmu().idr0, IDR0_ATS) != 0;
}

function verify(): u32 {
  return dmaVerify(SOURCE_IOVA, PATTERN, PROBE_BYTES);
}

function reattach(ats: bool): i32 {
  const state = toy();
  const result = detachStream(state.sid);
  return result == RESULT_OK ? attachStage1(state.sid, state.cd, 0, ats) : result;
}

/**
 * After TLBI and CMD_SYNC the ATC still has the page; after ATC_INV and CMD_SYNC it does
 * not.
 */
function invalidationStep(): void {
  const before = verify();
  const cleared = unmapPages(toy().table, SOURCE_IOVA, 1);
  let result = invalidatePages(ASID, SOURCE_IOVA, 1);
  const stale = verify();
  beginBatch();
  buildAtcInv(nextCommand(), toy().sid, SOURCE_IOVA, 0);
  const invalidated = submitBatch();
  if (result == RESULT_OK) result = invalidated;
  const after = verify();
  put('DMA status ');
  putDecimal(stale);
  put(' after TLBI_NH_VA, ');
  putDecimal(after);
  put(' after ATC_INV');
  putResult(result);
  const filled = before == DMA_STATUS_DONE && stale == DMA_STATUS_DONE;
  check(
    'atc-invalidate',
    result == RESULT_OK && cleared == 1 && filled && after == DMA_STATUS_READ_FAULT,
  );
}

/** True when the queue stops at an entry and stays there. */
function stopsAt(queue: Queue, entry: u32): bool {
  for (let look = 0; look < LOOKS && indexOf(queue, read32(queue.consGpa)) != entry; look++)
    wait(LOOK_MICROSECONDS);
  for (let stay = 0; stay < STAYS; stay++) {
    if (indexOf(queue, read32(queue.consGpa)) != entry) return false;
    wait(LOOK_MICROSECONDS);
  }
  return true;
}

/**
 * The device does not answer an ATC_INV: the CMD_SYNC after it does not complete before
 * an answer.
 */
function syncStep(): void {
  const queue = processorQueue();
  const errors = queue.errors;
  dmaSetAts(DMA_ATS_ENABLE | DMA_ATS_SILENT);
  const filled = verify();
  buildAtcInv(rawCommand(), toy().sid, SOURCE_IOVA, 0);
  buildSync(rawCommand() + CMDQ_ENTRY_SIZE, queue.signal);
  let result = issue(queue, rawCommand(), 2, false);
  const waits = stopsAt(queue, indexOf(queue, queue.prod - 1));
  dmaSetAts(DMA_ATS_ENABLE);
  if (result == RESULT_OK) result = waitForRoom(queue, queueSize(queue));
  put(waits ? 'CMD_SYNC waits for the answer' : 'CMD_SYNC does not wait');
  put(', then completes');
  putResult(result);
  check(
    'sync-waits',
    filled == DMA_STATUS_DONE && waits && result == RESULT_OK && queue.errors == errors,
  );
}

export function atcStep(): void {
  const state = toy();
  fillWords(state.source, PATTERN, PROBE_BYTES);
  let result = reattach(true);
  dmaSetAts(DMA_ATS_ENABLE);
  invalidationStep();
  const mapped = mapPages(state.table, SOURCE_IOVA, gpaOf(state.source), 1, false);
  if (result == RESULT_OK) result = mapped;
  syncStep();
  // The device uses the SMMU's own TLB again.
  dmaSetAts(0);
  const back = reattach(false);
  if (result == RESULT_OK) result = back;
  putResult(result);
  check('atc-detach', result == RESULT_OK && verify() == DMA_STATUS_DONE);
}
