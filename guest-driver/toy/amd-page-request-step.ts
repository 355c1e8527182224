// SPDX-License-Identifier: MIT
// A step with an AMD IOMMU: a device requests a page, is refused it, and continues once
// the page is granted.

import {
  AMD_PPR_CODE,
  AMD_PPR_DEVICE,
  AMD_PPR_GROUP,
  AMD_PPR_PAGE_SERVICE,
  AMD_PPR_READ,
  AMD_RESPONSE_SUCCESS,
} from '../../assembly/layout/amd-formats';
import {
  DMA_ATS_ENABLE,
  DMA_ATS_PAGES,
  DMA_STATUS_DONE,
  DMA_STATUS_STALLED,
} from '../../assembly/layout/dma-engine-registers';
import { hasPageRequests } from '../amd-driver/amd-driver-state';
import { noAmdEvents, takePageRequest } from '../amd-driver/amd-event-log';
import { mapAmdPages, unmapAmdPage } from '../amd-driver/amd-tables';
import {
  completeCommands,
  completeInvalidations,
  putCompleteRequest,
  putInvalidatePage,
} from '../amd-driver/command-buffer';
import { QUEUE_WAIT_MICROSECONDS, QUEUE_WAITS } from '../driver/poll';
import { RESULT_OK } from '../driver/result';
import { gpaOf } from '../runtime/abi';
import { loadField } from '../runtime/guest-fields';
import { put, putDecimal, putHex } from '../runtime/text';
import { wait } from '../runtime/vsmmu';
import { fillWords, SOURCE_IOVA } from './address-space';
import { putResult } from './bring-up-steps';
import { check } from './checkpoint-report';
import { dmaSetAts, dmaStatus, dmaVerify } from './dma-requests';
import { toy } from './toy-state';

const PROBE_BYTES: u32 = 256;
const PATTERN: u32 = 0x33333333;

/** Whether the IOMMU supports page requests. */
export { hasPageRequests };

// Waits a bounded time for the end of the operation. @returns its status, which is
// DMA_STATUS_STALLED if it never ends.
function finalStatus(): u32 {
  for (let waits = 0; waits < QUEUE_WAITS && dmaStatus() == DMA_STATUS_STALLED; waits++)
    wait(QUEUE_WAIT_MICROSECONDS);
  return dmaStatus();
}

/** @param domain the guest's DomainID for the device. */
export function amdPageRequestStep(domain: u32): void {
  const state = toy();
  fillWords(state.source, PATTERN, PROBE_BYTES);
  const cleared = unmapAmdPage(state.table, SOURCE_IOVA);
  putInvalidatePage(domain, SOURCE_IOVA);
  let result = completeInvalidations();
  dmaSetAts(DMA_ATS_ENABLE | DMA_ATS_PAGES);
  const waiting = dmaVerify(SOURCE_IOVA, PATTERN, PROBE_BYTES);
  const request = takePageRequest();
  put('DMA status ');
  putDecimal(waiting);
  let right = request != 0;
  if (right) {
    put(', page request of DeviceID ');
    putHex(loadField(request, AMD_PPR_DEVICE));
    put(' for iova ');
    putHex(load<u64>(request, 8));
    right =
      loadField(request, AMD_PPR_CODE) == AMD_PPR_PAGE_SERVICE &&
      loadField(request, AMD_PPR_DEVICE) == state.sid &&
      loadField(request, AMD_PPR_READ) == 1 &&
      load<u64>(request, 8) == SOURCE_IOVA;
  }
  const mapped = mapAmdPages(state.table, SOURCE_IOVA, gpaOf(state.source), 1, false);
  if (result == RESULT_OK) result = mapped;
  if (right) {
    putCompleteRequest(state.sid, loadField(request, AMD_PPR_GROUP), AMD_RESPONSE_SUCCESS);
    const completed = completeCommands();
    if (result == RESULT_OK) result = completed;
  }
  const status = finalStatus();
  dmaSetAts(0);
  put('; mapped and completed: ');
  putDecimal(status);
  putResult(result);
  right = right && waiting == DMA_STATUS_STALLED && status == DMA_STATUS_DONE;
  check('page-request', right && cleared && result == RESULT_OK && noAmdEvents());
}
