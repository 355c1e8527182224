// SPDX-License-Identifier: MIT
// Step 20: one device, two address spaces. A PASID selects the CD, and so the meaning of
// an iova.

import { CD_SIZE } from '../../assembly/layout/cd';
import { DMA_STATUS_DONE, DMA_STATUS_READ_FAULT } from '../../assembly/layout/dma-engine-registers';
import {
  EVT_ID,
  EVT_INPUT_HI,
  EVT_INPUT_LO,
  EVT_SSID,
  EVT_SSV,
  F_TRANSLATION,
} from '../../assembly/layout/events';
import { IDR1_SSIDSIZE } from '../../assembly/layout/smmu-registers';
import { beginBatch, nextCommand, submitBatch } from '../driver/batch';
import { buildCfgiCd } from '../driver/build-commands';
import { eventCount, eventRecord } from '../driver/event-queue';
import { invalidatePages } from '../driver/invalidate-pages';
import { RESULT_NO_MEMORY, RESULT_OK } from '../driver/result';
import { smmu } from '../driver/smmu';
import { allocateContextDescriptors, writeContextDescriptor } from '../driver/stage1-cd';
import { allocateTable, IOVA_PAGE_SIZE, mapPages, unmapPages } from '../driver/stage1-table';
import { attachStage1, detachStream } from '../driver/stream-table';
import { gpaOf } from '../runtime/abi';
import { bitsOf, loadField } from '../runtime/guest-fields';
import { allocate } from '../runtime/pages';
import { put, putDecimal } from '../runtime/text';
import { ASID, fillWords, SOURCE_IOVA } from './address-space';
import { putResult } from './bring-up-steps';
import { check } from './checkpoint-report';
import { dmaUseNoPasid, dmaUsePasid, dmaVerify } from './dma-requests';
import { waitForEvents } from './dma-steps';
import { toy } from './toy-state';

const PASID: u32 = 1;
/** log2 of the number of CDs. */
const CD_MAX: u32 = 1;
const PASID_ASID: u32 = 0x50;
const PROBE_BYTES: u32 = 256;
const OWN_PATTERN: u32 = 0x55555555;
const PASID_PATTERN: u32 = 0x66666666;

/**
 * Compares the memory that the device reads at SOURCE_IOVA, with or without the PASID.
 * @returns DMA_STATUS_*.
 */
function verify(pattern: u32, withPasid: bool): u32 {
  if (withPasid) dmaUsePasid(PASID);
  const status = dmaVerify(SOURCE_IOVA, pattern, PROBE_BYTES);
  dmaUseNoPasid();
  return status;
}

/** Attaches the stream to two CDs: the toy's own, and later one for the PASID. */
function attachCds(cds: usize): i32 {
  const state = toy();
  writeContextDescriptor(cds, state.table, ASID);
  const result = detachStream(state.sid);
  return result == RESULT_OK ? attachStage1(state.sid, cds, CD_MAX) : result;
}

/** Makes the CD of the PASID valid while the stream is in use. */
function addCd(cds: usize, table: usize): i32 {
  writeContextDescriptor(cds + PASID * CD_SIZE, table, PASID_ASID);
  beginBatch();
  buildCfgiCd(nextCommand(), toy().sid, PASID);
  return submitBatch();
}

function checkSpaces(result: i32): void {
  const own = verify(OWN_PATTERN, false);
  const other = verify(PASID_PATTERN, true);
  put('one iova, two pages: DMA status ');
  putDecimal(own);
  put(', with PASID ');
  putDecimal(PASID);
  put(' DMA status ');
  putDecimal(other);
  putResult(result);
  check(
    'pasid-address-space',
    result == RESULT_OK && own == DMA_STATUS_DONE && other == DMA_STATUS_DONE,
  );
}

/** An iova that is unmapped in the PASID's address space faults there, and only there. */
function checkFault(table: usize): void {
  const events = eventCount();
  const cleared = unmapPages(table, SOURCE_IOVA, 1);
  const result = invalidatePages(PASID_ASID, SOURCE_IOVA, 1);
  const other = verify(PASID_PATTERN, true);
  const own = verify(OWN_PATTERN, false);
  const arrived = waitForEvents(events + 1);
  const record = eventRecord(events);
  put('unmapped there: DMA status ');
  putDecimal(other);
  put(
    arrived && loadField(record, EVT_SSV) != 0 ? ', event with SubstreamID ' : ', no such event ',
  );
  putDecimal(loadField(record, EVT_SSID));
  putResult(result);
  const right =
    arrived &&
    loadField(record, EVT_ID) == F_TRANSLATION &&
    loadField(record, EVT_SSV) == 1 &&
    loadField(record, EVT_SSID) == PASID;
  const iova = ((<u64>loadField(record, EVT_INPUT_HI)) << 32) | loadField(record, EVT_INPUT_LO);
  check(
    'pasid-event',
    right &&
      iova == SOURCE_IOVA &&
      cleared == 1 &&
      other == DMA_STATUS_READ_FAULT &&
      own == DMA_STATUS_DONE,
  );
}

/** Whether the SMMU has SubstreamIDs. */
export function hasSubstreams(): bool {
  return bitsOf(smmu().idr1, IDR1_SSIDSIZE) != 0;
}

export function pasidStep(): void {
  const state = toy();
  const cds = allocateContextDescriptors(CD_MAX);
  const table = allocateTable();
  const page = allocate(IOVA_PAGE_SIZE, IOVA_PAGE_SIZE);
  let result: i32 = cds == 0 || table == 0 || page == 0 ? RESULT_NO_MEMORY : RESULT_OK;
  fillWords(state.source, OWN_PATTERN, PROBE_BYTES);
  if (result == RESULT_OK) {
    fillWords(page, PASID_PATTERN, PROBE_BYTES);
    result = mapPages(table, SOURCE_IOVA, gpaOf(page), 1, false);
  }
  if (result == RESULT_OK) result = attachCds(cds);
  if (result == RESULT_OK) result = addCd(cds, table);
  checkSpaces(result);
  if (result != RESULT_OK) return;
  checkFault(table);
  // The stream is attached to the toy's one address space again.
  result = detachStream(state.sid);
  if (result == RESULT_OK) result = attachStage1(state.sid, state.cd, 0);
  check('pasid-detach', result == RESULT_OK && verify(OWN_PATTERN, false) == DMA_STATUS_DONE);
}
