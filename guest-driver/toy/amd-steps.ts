// SPDX-License-Identifier: MIT
// The toy on a board with an AMD IOMMU: the same steps as with an SMMU, in AMD's terms.

import {
  AMD_EVENT_CODE,
  AMD_EVENT_DEVICE,
  AMD_EVENT_GN,
  AMD_EVENT_ILLEGAL_COMMAND_ERROR,
  AMD_EVENT_IO_PAGE_FAULT,
} from '../../assembly/layout/amd-formats';
import { DMA_STATUS_DONE, DMA_STATUS_READ_FAULT } from '../../assembly/layout/dma-engine-registers';
import {
  AMD_ENTRIES,
  amdDriver,
  probeAmdIommu,
  startAmdIommu,
} from '../amd-driver/amd-driver-state';
import { noAmdEvents, takeAmdEvent } from '../amd-driver/amd-event-log';
import { allocateGcr3, attachGcr3, mapAmdPages, unmapAmdPage } from '../amd-driver/amd-tables';
import {
  completeCommands,
  completeInvalidations,
  putInvalidateAll,
  putInvalidateDomain,
  putInvalidateEntry,
  putInvalidatePage,
  skipCommand,
} from '../amd-driver/command-buffer';
import { RESULT_NO_MEMORY, RESULT_OK, RESULT_QUEUE_OFF } from '../driver/result';
import { IOVA_PAGE_SIZE } from '../driver/stage1-table';
import { exitCount, gpaOf } from '../runtime/abi';
import { loadField } from '../runtime/guest-fields';
import { allocate } from '../runtime/pages';
import { put, putDecimal, putHex } from '../runtime/text';
import {
  BUFFER_PAGES,
  fillWords,
  LIVE_IOVA,
  LIVE_PAGES,
  LIVE_PATTERN,
  SOURCE_IOVA,
  TARGET_IOVA,
} from './address-space';
import { beginAttack, endAttack } from './attack-bracket';
import { putResult } from './bring-up-steps';
import { check, need } from './checkpoint-report';
import { dmaCopy, dmaVerify } from './dma-requests';
import { touchLive } from './dma-steps';
import { toy } from './toy-state';

/** DomainID that every machine of the host uses: each machine numbers its own. */
export const DOMAIN: u32 = 5;
const PROBE_BYTES: u32 = 256;
const COPY_BYTES: u32 = 2 * IOVA_PAGE_SIZE + 512;
const FIRST_PATTERN: u32 = 0x11111111;
const SECOND_PATTERN: u32 = 0x22222222;
/** DeviceIDs and DomainIDs that the attacks try: a host allocates them from 1. */
const FOREIGN_IDS: u32 = 64;
/** Batches of one invalidation each that are counted, with their exits. */
const BATCHES: u32 = 256;

export function amdProbeStep(): void {
  const result = probeAmdIommu();
  put('extended features ');
  putHex(amdDriver().efr);
  putResult(result);
  need('probe-amd', result == RESULT_OK);
}

function buffers(): i32 {
  const state = toy();
  const page: usize = IOVA_PAGE_SIZE;
  state.table = allocateGcr3();
  state.source = allocate(<usize>BUFFER_PAGES * page, page);
  state.target = allocate(<usize>BUFFER_PAGES * page, page);
  state.live = allocate(<usize>LIVE_PAGES * page, page);
  if (state.table == 0 || state.source == 0 || state.target == 0 || state.live == 0)
    return RESULT_NO_MEMORY;
  const result = mapAmdPages(state.table, SOURCE_IOVA, gpaOf(state.source), BUFFER_PAGES, false);
  if (result != RESULT_OK) return result;
  return mapAmdPages(state.table, TARGET_IOVA, gpaOf(state.target), BUFFER_PAGES, true);
}

export function amdBringUpStep(): void {
  let result = startAmdIommu();
  if (result == RESULT_OK) result = buffers();
  if (result == RESULT_OK) result = attachGcr3(toy().sid, toy().table, DOMAIN);
  put('command buffer and logs of ');
  putDecimal(AMD_ENTRIES);
  put(' entries, DeviceID ');
  putHex(toy().sid);
  put(' under DomainID ');
  putDecimal(DOMAIN);
  putResult(result);
  need('amd-reset', result == RESULT_OK);
}

function putStatus(status: u32): void {
  put('DMA status ');
  putDecimal(status);
}

export function amdCopyStep(): void {
  const state = toy();
  for (let i: u32 = 0; i < COPY_BYTES; i += 4) store<u32>(state.source + i, i * 0x9e3779b1);
  const status = dmaCopy(SOURCE_IOVA, TARGET_IOVA, COPY_BYTES);
  putDecimal(COPY_BYTES);
  put(' bytes from iova ');
  putHex(SOURCE_IOVA);
  put(' to ');
  putHex(TARGET_IOVA);
  put(', ');
  putStatus(status);
  need(
    'dma-copy',
    status == DMA_STATUS_DONE && memory.compare(state.source, state.target, COPY_BYTES) == 0,
  );
}

function checkFault(): void {
  const status = dmaVerify(SOURCE_IOVA, SECOND_PATTERN, PROBE_BYTES);
  const record = takeAmdEvent();
  putStatus(status);
  if (record == 0) {
    put(', no event');
  } else {
    put(', event ');
    putHex(loadField(record, AMD_EVENT_CODE));
    put(' of DeviceID ');
    putHex(loadField(record, AMD_EVENT_DEVICE));
    put(' at iova ');
    putHex(load<u64>(record, 8));
  }
  let right = record != 0 && loadField(record, AMD_EVENT_CODE) == AMD_EVENT_IO_PAGE_FAULT;
  right = right && loadField(record, AMD_EVENT_DEVICE) == toy().sid;
  right = right && load<u64>(record, 8) == SOURCE_IOVA && loadField(record, AMD_EVENT_GN) == 1;
  check('event-record', right && status == DMA_STATUS_READ_FAULT && noAmdEvents());
}

/**
 * An unmap without an invalidation does not affect the device; one through the guest's
 * command buffer does.
 */
export function amdStaleEntryStep(): void {
  const state = toy();
  fillWords(state.source, FIRST_PATTERN, PROBE_BYTES);
  const before = dmaVerify(SOURCE_IOVA, FIRST_PATTERN, PROBE_BYTES);
  const cleared = unmapAmdPage(state.table, SOURCE_IOVA);
  fillWords(state.source, SECOND_PATTERN, PROBE_BYTES);
  const stale = dmaVerify(SOURCE_IOVA, SECOND_PATTERN, PROBE_BYTES);
  put('PTE cleared, ');
  putStatus(stale);
  check('stale-entry-used', before == DMA_STATUS_DONE && cleared && stale == DMA_STATUS_DONE);

  const exits = exitCount();
  putInvalidatePage(DOMAIN, SOURCE_IOVA);
  const result = completeInvalidations();
  const taken = exitCount() - exits;
  put('INVALIDATE_IOMMU_PAGES and COMPLETION_WAIT on the own command buffer: ');
  putDecimal(taken);
  put(' exits');
  putResult(result);
  check('invalidate', result == RESULT_OK && taken == 0);
  checkFault();

  const mapped = mapAmdPages(state.table, SOURCE_IOVA, gpaOf(state.source), 1, false);
  const status = dmaVerify(SOURCE_IOVA, SECOND_PATTERN, PROBE_BYTES);
  putStatus(status);
  putResult(mapped);
  check('remap', mapped == RESULT_OK && status == DMA_STATUS_DONE);
}

/** A command that no guest may issue halts the guest's own buffer. */
export function amdIllegalCommandStep(): void {
  putInvalidateAll();
  const halted = completeCommands();
  const record = takeAmdEvent();
  put('INVALIDATE_IOMMU_ALL: ');
  put(halted == RESULT_QUEUE_OFF ? 'the buffer halts' : 'the buffer does not halt');
  if (record != 0) {
    put(', event ');
    putHex(loadField(record, AMD_EVENT_CODE));
  }
  check(
    'illegal-command',
    halted == RESULT_QUEUE_OFF &&
      record != 0 &&
      loadField(record, AMD_EVENT_CODE) == AMD_EVENT_ILLEGAL_COMMAND_ERROR,
  );
  const result = skipCommand();
  put('replaced, CmdBufEn cleared and set');
  putResult(result);
  check('illegal-command-recovery', result == RESULT_OK && noAmdEvents());
}

export function amdLiveMappingStep(): void {
  const state = toy();
  fillWords(state.live, LIVE_PATTERN, LIVE_PAGES * IOVA_PAGE_SIZE);
  const result = mapAmdPages(state.table, LIVE_IOVA, gpaOf(state.live), LIVE_PAGES, false);
  putDecimal(LIVE_PAGES);
  put(' pages at iova ');
  putHex(LIVE_IOVA);
  put(' stay mapped and in the TLB');
  putResult(result);
  check('live-mapping', result == RESULT_OK && touchLive());
}

/**
 * Tries every DeviceID that could be the neighbour's: the host translates the guest's
 * own, and no other.
 */
export function amdDeviceAttack(): void {
  beginAttack(1);
  let completed: u32 = 0;
  for (let device: u32 = 0; device < FOREIGN_IDS; device++) {
    putInvalidateEntry(device);
    if (completeCommands() == RESULT_OK) completed++;
  }
  putDecimal(completed);
  put(' of ');
  putDecimal(FOREIGN_IDS);
  put(' DeviceIDs in INVALIDATE_DEVTAB_ENTRY');
  endAttack('attack-device-ids', completed == FOREIGN_IDS && noAmdEvents());
}

/** Tries DomainIDs, one of which is the guest's own. */
export function amdDomainAttack(): void {
  beginAttack(2);
  let completed: u32 = 0;
  for (let domain: u32 = 0; domain < FOREIGN_IDS; domain++) {
    putInvalidateDomain(domain);
    putInvalidatePage(domain, LIVE_IOVA);
    if (completeInvalidations() == RESULT_OK) completed++;
  }
  putDecimal(completed);
  put(' of ');
  putDecimal(FOREIGN_IDS);
  put(' DomainIDs in INVALIDATE_IOMMU_PAGES');
  endAttack('attack-domain-ids', completed == FOREIGN_IDS && noAmdEvents());
}

export function amdExitsStep(): void {
  const exits = exitCount();
  let completed: u32 = 0;
  for (let batch: u32 = 0; batch < BATCHES; batch++) {
    putInvalidatePage(DOMAIN, SOURCE_IOVA);
    if (completeInvalidations() == RESULT_OK) completed++;
  }
  const taken = exitCount() - exits;
  putDecimal(taken);
  put(' exits during ');
  putDecimal(completed);
  put(' batches');
  check('no-exits-direct', completed == BATCHES && taken == 0);
}
