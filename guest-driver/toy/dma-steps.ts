// SPDX-License-Identifier: MIT
// Steps 7, 8 and 11: DMA through the SMMU, and the effect of a stale TLB entry.

import { DMA_STATUS_DONE, DMA_STATUS_READ_FAULT } from '../../assembly/layout/dma-engine-registers';
import {
  EVT_CLASS,
  EVT_CLASS_IN,
  EVT_ID,
  EVT_INPUT_HI,
  EVT_INPUT_LO,
  EVT_RNW,
  EVT_S2,
  EVT_SID,
  F_TRANSLATION,
} from '../../assembly/layout/events';
import { cmdq } from '../driver/driver-queues';
import { eventCount, eventRecord } from '../driver/event-queue';
import { processorQueue } from '../driver/get-cmdq';
import { serviceInterrupts } from '../driver/interrupt-handlers';
import { invalidatePages } from '../driver/invalidate-pages';
import { RESULT_OK } from '../driver/result';
import { IOVA_PAGE_SIZE, mapPages, unmapPages } from '../driver/stage1-table';
import { attachStage1 } from '../driver/stream-table';
import { exitCount, gpaOf } from '../runtime/abi';
import { loadField } from '../runtime/guest-fields';
import { put, putDecimal, putHex } from '../runtime/text';
import { wait } from '../runtime/vsmmu';
import {
  ASID,
  fillWords,
  LIVE_IOVA,
  LIVE_PAGES,
  LIVE_PATTERN,
  SOURCE_IOVA,
  TARGET_IOVA,
} from './address-space';
import { putResult } from './bring-up-steps';
import { check, need } from './checkpoint-report';
import { dmaCopy, dmaFaultAddress, dmaVerify } from './dma-requests';
import { directName, toy } from './toy-state';

/** Bytes of the copies of the stale-entry demonstration. */
const PROBE_BYTES: u32 = 256;
const COPY_BYTES: u32 = 2 * IOVA_PAGE_SIZE + 512;
const FIRST_PATTERN: u32 = 0x11111111;
const SECOND_PATTERN: u32 = 0x22222222;
/** Number of waits for an event record, and the longest duration of each. */
const EVENT_WAITS = 100;
const EVENT_WAIT_MICROSECONDS = 50;

function putStatus(status: u32): void {
  put('DMA status ');
  putDecimal(status);
}

/** True when the copy's target equals the first `length` bytes of the source. */
function copied(length: u32): bool {
  return memory.compare(toy().source, toy().target, length) == 0;
}

export function dmaCopyStep(): void {
  const state = toy();
  const attached = attachStage1(state.sid, state.cd, 0);
  for (let i: u32 = 0; i < COPY_BYTES; i += 4) store<u32>(state.source + i, i * 0x9e3779b1);
  const status = dmaCopy(SOURCE_IOVA, TARGET_IOVA, COPY_BYTES);
  putDecimal(COPY_BYTES);
  put(' bytes from iova ');
  putHex(SOURCE_IOVA);
  put(' to ');
  putHex(TARGET_IOVA);
  put(', ');
  putStatus(status);
  putResult(attached);
  need('dma-copy', attached == RESULT_OK && status == DMA_STATUS_DONE && copied(COPY_BYTES));
}

/** Waits a bounded time until `count` event records have been removed from the queue. */
export function waitForEvents(count: u32): bool {
  for (let waits = 0; waits < EVENT_WAITS; waits++) {
    serviceInterrupts();
    if (eventCount() >= count) return true;
    wait(EVENT_WAIT_MICROSECONDS);
  }
  return false;
}

function checkEvent(number: u32): void {
  const arrived = waitForEvents(number + 1);
  const record = eventRecord(number);
  const iova = ((<u64>loadField(record, EVT_INPUT_HI)) << 32) | loadField(record, EVT_INPUT_LO);
  if (arrived) {
    put('event ');
    putHex(loadField(record, EVT_ID));
    put(' sid ');
    putHex(loadField(record, EVT_SID));
    put(' iova ');
    putHex(iova);
    put(loadField(record, EVT_RNW) != 0 ? ' read' : ' write');
    put(' stage ');
    putDecimal(1 + loadField(record, EVT_S2));
    put(' class ');
    putDecimal(loadField(record, EVT_CLASS));
  } else {
    put('no event record');
  }
  let right =
    arrived &&
    loadField(record, EVT_ID) == F_TRANSLATION &&
    loadField(record, EVT_SID) == toy().sid;
  right =
    right &&
    iova == SOURCE_IOVA &&
    loadField(record, EVT_RNW) == 1 &&
    loadField(record, EVT_S2) == 0;
  check(
    'event-record',
    right && loadField(record, EVT_CLASS) == EVT_CLASS_IN && eventCount() == number + 1,
  );
}

/** An unmap without an invalidation does not affect the device; an invalidation does. */
export function staleEntryStep(): void {
  const state = toy();
  fillWords(state.source, FIRST_PATTERN, PROBE_BYTES);
  let status = dmaCopy(SOURCE_IOVA, TARGET_IOVA, PROBE_BYTES);
  const before = status == DMA_STATUS_DONE && copied(PROBE_BYTES);

  const cleared = unmapPages(state.table, SOURCE_IOVA, 1);
  fillWords(state.source, SECOND_PATTERN, PROBE_BYTES);
  status = dmaCopy(SOURCE_IOVA, TARGET_IOVA, PROBE_BYTES);
  put('PTE cleared, ');
  putStatus(status);
  check(
    'stale-entry-used',
    before && cleared == 1 && status == DMA_STATUS_DONE && copied(PROBE_BYTES),
  );

  const events = eventCount();
  const direct = processorQueue() != cmdq();
  const exits = exitCount();
  const result = invalidatePages(ASID, SOURCE_IOVA, 1);
  const taken = exitCount() - exits;
  put('TLBI_NH_VA and CMD_SYNC on the ');
  put(direct ? directName() : 'CMDQ');
  put(': ');
  putDecimal(taken);
  put(' exits');
  putResult(result);
  check('invalidate', result == RESULT_OK && (!direct || taken == 0));

  fillWords(state.source, FIRST_PATTERN, PROBE_BYTES);
  status = dmaCopy(SOURCE_IOVA, TARGET_IOVA, PROBE_BYTES);
  putStatus(status);
  put(' at iova ');
  putHex(dmaFaultAddress());
  check(
    'dma-faults',
    status == DMA_STATUS_READ_FAULT && dmaFaultAddress() == SOURCE_IOVA && !copied(PROBE_BYTES),
  );
  checkEvent(events);

  // A fault is not cached: a new mapping needs no invalidation.
  const mapped = mapPages(state.table, SOURCE_IOVA, gpaOf(state.source), 1, false);
  status = dmaCopy(SOURCE_IOVA, TARGET_IOVA, PROBE_BYTES);
  putStatus(status);
  putResult(mapped);
  check('remap', mapped == RESULT_OK && status == DMA_STATUS_DONE && copied(PROBE_BYTES));
}

/** Reads through the live mapping, so that the TLB has it. */
export function touchLive(): bool {
  return dmaVerify(LIVE_IOVA, LIVE_PATTERN, LIVE_PAGES * IOVA_PAGE_SIZE) == DMA_STATUS_DONE;
}

/** Creates TLB entries that other machines can attack. */
export function liveMappingStep(): void {
  const state = toy();
  fillWords(state.live, LIVE_PATTERN, LIVE_PAGES * IOVA_PAGE_SIZE);
  const result = mapPages(state.table, LIVE_IOVA, gpaOf(state.live), LIVE_PAGES, false);
  putDecimal(LIVE_PAGES);
  put(' pages at iova ');
  putHex(LIVE_IOVA);
  put(' stay mapped and in the TLB');
  putResult(result);
  check('live-mapping', result == RESULT_OK && touchLive());
}
