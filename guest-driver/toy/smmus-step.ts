// SPDX-License-Identifier: MIT
// Step 22: a device of another SMMU. The same translation tables serve devices of both
// SMMUs. Each SMMU has its own stream table, queues and TLB, and an unmap needs
// invalidations on each.

import { DMA_STATUS_DONE, DMA_STATUS_READ_FAULT } from '../../assembly/layout/dma-engine-registers';
import { EVT_ID, EVT_SID, F_TRANSLATION } from '../../assembly/layout/events';
import { ABI_KIND_DMA, ABI_KIND_SMMUV3, ABI_MAX_SMMUS } from '../../assembly/layout/guest-abi';
import { probeDevices, startCmdqv, startEcmdqs, startSmmu } from '../driver/bring-up';
import { cmdqv } from '../driver/cmdqv';
import { cmdq } from '../driver/driver-queues';
import { probeEcmdqs } from '../driver/ecmdq-reset';
import { eventCount, eventRecord } from '../driver/event-queue';
import { directQueues, processorQueue } from '../driver/get-cmdq';
import { invalidateAsid, invalidatePages } from '../driver/invalidate-pages';
import { RESULT_NO_DEVICE, RESULT_OK } from '../driver/result';
import { selectedSmmu, selectSmmu } from '../driver/selected-smmu';
import { mapPages, unmapPages } from '../driver/stage1-table';
import { attachStage1 } from '../driver/stream-table';
import { exitCount, gpaOf } from '../runtime/abi';
import { deviceGpa, deviceStream, findDevice } from '../runtime/device-table';
import { loadField } from '../runtime/guest-fields';
import { put, putDecimal, putHex } from '../runtime/text';
import { ASID, fillWords, SOURCE_IOVA } from './address-space';
import { putResult } from './bring-up-steps';
import { check } from './checkpoint-report';
import { dmaVerify } from './dma-requests';
import { waitForEvents } from './dma-steps';
import { directName, toy, usesCmdqv, usesDirect } from './toy-state';

const PROBE_BYTES: u32 = 256;
const PATTERN: u32 = 0x77777777;

/** Whether the board has a further SMMU. */
export function hasFurtherSmmus(): bool {
  return findDevice(ABI_KIND_SMMUV3, 1) != 0;
}

/** Selects an SMMU and its DMA engine. */
function turnTo(number: u32): void {
  const state = toy();
  const engine = findDevice(ABI_KIND_DMA, number);
  selectSmmu(number);
  state.dmaGpa = engine == 0 ? 0 : deviceGpa(engine);
  if (engine != 0) state.sid = deviceStream(engine);
}

/**
 * Compares the memory that the engine of an SMMU reads at SOURCE_IOVA.
 * @returns DMA_STATUS_*.
 */
function verifyThrough(number: u32): u32 {
  const selected = selectedSmmu();
  turnTo(number);
  const status = dmaVerify(SOURCE_IOVA, PATTERN, PROBE_BYTES);
  turnTo(selected);
  return status;
}

function putSmmu(number: u32): void {
  put('SMMU ');
  putDecimal(number);
}

/** Brings up the SMMU and the queues that this run uses. */
function bringUp(): i32 {
  let result = probeDevices();
  if (result == RESULT_OK) result = startSmmu();
  if (result != RESULT_OK || !usesDirect()) return result;
  if (usesCmdqv()) return cmdqv().present != 0 ? startCmdqv() : RESULT_NO_DEVICE;
  result = probeEcmdqs();
  return result == RESULT_OK ? startEcmdqs() : result;
}

/** Sends an invalidation on each of its queues in turn. @returns how many completed. */
function serveEach(): u32 {
  let served: u32 = 0;
  for (let cpu: u32 = 0; cpu < directQueues(); cpu++) {
    cmdqv().cpu = cpu;
    if (invalidateAsid(ASID) == RESULT_OK) served++;
  }
  cmdqv().cpu = 0;
  return served;
}

/** Brings the SMMU up and attaches its device to the toy's address space. */
function attach(number: u32): bool {
  turnTo(number);
  const state = toy();
  let result = bringUp();
  if (result == RESULT_OK) result = attachStage1(state.sid, state.cd, 0);
  const served = serveEach();
  const status = verifyThrough(number);
  putSmmu(number);
  put(' with ');
  putDecimal(directQueues());
  put(' ');
  put(directName());
  put('s: DMA status ');
  putDecimal(status);
  put(' of StreamID ');
  putHex(state.sid);
  putResult(result);
  return check(
    'other-smmu',
    result == RESULT_OK && served == directQueues() && status == DMA_STATUS_DONE,
  );
}

/** An invalidation on SMMU 0 does not affect the other SMMU's entries. */
function invalidateFirst(number: u32): void {
  turnTo(0);
  const events = eventCount();
  const before = verifyThrough(0);
  const cleared = unmapPages(toy().table, SOURCE_IOVA, 1);
  const result = invalidatePages(ASID, SOURCE_IOVA, 1);
  const first = verifyThrough(0);
  const other = verifyThrough(number);
  const arrived = waitForEvents(events + 1);
  put('PTE cleared, TLBI on SMMU 0 alone; after it: DMA status ');
  putDecimal(first);
  put(' through ');
  putSmmu(0);
  put(', ');
  putDecimal(other);
  put(' through ');
  putSmmu(number);
  putResult(result);
  check(
    'other-smmu-stale',
    before == DMA_STATUS_DONE &&
      cleared == 1 &&
      result == RESULT_OK &&
      first == DMA_STATUS_READ_FAULT &&
      arrived &&
      other == DMA_STATUS_DONE,
  );
}

/**
 * A command on its own queue removes the entry, and its own event queue reports the
 * fault.
 */
function invalidateOther(number: u32): void {
  const ofFirst = eventCount();
  turnTo(number);
  const direct = processorQueue() != cmdq();
  const exits = exitCount();
  const result = invalidatePages(ASID, SOURCE_IOVA, 1);
  const taken = exitCount() - exits;
  const events = eventCount();
  const status = verifyThrough(number);
  const arrived = waitForEvents(events + 1);
  const record = eventRecord(events);
  const right =
    arrived &&
    loadField(record, EVT_ID) == F_TRANSLATION &&
    loadField(record, EVT_SID) == toy().sid;
  turnTo(0);
  putDecimal(taken);
  put(' exits for a TLBI on ');
  putSmmu(number);
  put(', DMA status ');
  putDecimal(status);
  put(right ? ', event there' : ', no such event');
  putResult(result);
  check(
    'other-smmu-invalidate',
    right &&
      result == RESULT_OK &&
      (!direct || taken == 0) &&
      status == DMA_STATUS_READ_FAULT &&
      eventCount() == ofFirst,
  );
}

export function smmusStep(): void {
  const state = toy();
  for (let number: u32 = 1; number < <u32>ABI_MAX_SMMUS; number++) {
    if (findDevice(ABI_KIND_SMMUV3, number) == 0) break;
    fillWords(state.source, PATTERN, PROBE_BYTES);
    if (attach(number)) {
      invalidateFirst(number);
      invalidateOther(number);
    }
    turnTo(0);
    // Mapped again for the next SMMU and later steps.
    mapPages(state.table, SOURCE_IOVA, gpaOf(state.source), 1, false);
  }
}
