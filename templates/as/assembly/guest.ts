// A guest that lets a device write to a page through the SMMU, unmaps the page, and
// observes that a later write faults.

import {
  DMA_CTRL,
  DMA_DST,
  DMA_LENGTH,
  DMA_OP_FILL,
  DMA_PATTERN,
  DMA_STATUS,
  DMA_STATUS_DONE,
} from 'vsmmu/assembly/layout/dma-engine-registers';
import {
  bringUpSmmu,
  createDomain,
  directQueues,
  EVT_ID,
  EVT_INPUT_LO,
  EVT_SID,
  eventCount,
  eventRecord,
  IOVA_PAGE_SIZE,
  loadField,
  RESULT_NO_DEVICE,
  RESULT_NO_MEMORY,
  RESULT_OK,
  serviceInterrupts,
} from 'vsmmu/guest-driver/driver';
import {
  ABI_KIND_DMA,
  ABI_VERSION,
  allocate,
  deviceGpa,
  deviceStream,
  exitCount,
  findDevice,
  flushLineToUart,
  gpaOf,
  put,
  putDecimal,
  putHex,
  RUN_OFF,
  read32,
  write32,
} from 'vsmmu/guest-driver/runtime';

/** Version of the guest ABI for which this guest was built. */
export const vsmmu_abi: i32 = ABI_VERSION;

const ASID = 1;
const IOVA = 0x100000;
const PATTERN = 0xc0ffee;
const BYTES = 64;

/**
 * Lets the DMA engine fill memory at IOVA: it is done when the write to CTRL returns.
 * @returns DMA_STATUS_*.
 */
function fill(engine: u32): u32 {
  write32(engine + DMA_DST, IOVA);
  write32(engine + DMA_DST + 4, 0);
  write32(engine + DMA_LENGTH, BYTES);
  write32(engine + DMA_PATTERN, PATTERN);
  write32(engine + DMA_CTRL, DMA_OP_FILL);
  return read32(engine + DMA_STATUS);
}

/** Prints the newest event record, if there is one. */
function printEvent(): void {
  serviceInterrupts();
  if (eventCount() == 0) return;
  const record = eventRecord(eventCount() - 1);
  put('event ');
  putHex(loadField(record, EVT_ID));
  put(' of StreamID ');
  putHex(loadField(record, EVT_SID));
  put(' at iova ');
  putHex(loadField(record, EVT_INPUT_LO));
  flushLineToUart();
}

/** @returns RESULT_*. */
function work(): i32 {
  const device = findDevice(ABI_KIND_DMA);
  if (device == 0) return RESULT_NO_DEVICE;
  const engine = deviceGpa(device);

  let result = bringUpSmmu();
  if (result != RESULT_OK) return result;
  putDecimal(directQueues());
  put(' queues for invalidations in addition to the CMDQ');
  flushLineToUart();

  const domain = createDomain(ASID);
  const page = allocate(IOVA_PAGE_SIZE, IOVA_PAGE_SIZE);
  if (domain == null || page == 0) return RESULT_NO_MEMORY;
  result = domain.map(IOVA, gpaOf(page), 1, true);
  if (result == RESULT_OK) result = domain.attach(deviceStream(device));
  if (result != RESULT_OK) return result;
  const filled = fill(engine) == DMA_STATUS_DONE;
  put(filled && load<u32>(page) == PATTERN ? 'the device has written ' : 'the page holds ');
  putHex(load<u32>(page));
  flushLineToUart();

  const exits = exitCount();
  result = domain.unmap(IOVA, 1);
  if (result != RESULT_OK) return result;
  put('unmapped and invalidated with ');
  putDecimal(exitCount() - exits);
  put(' exits');
  flushLineToUart();

  put(fill(engine) == DMA_STATUS_DONE ? 'the device still writes' : 'the device may not write');
  flushLineToUart();
  printEvent();
  return RESULT_OK;
}

/**
 * Called again and again until it returns RUN_OFF. A guest that runs for long returns
 * RUN_YIELD from time to time.
 */
export function vsmmu_run(_budget: i32): i32 {
  const result = work();
  if (result != RESULT_OK) {
    put('error ');
    putDecimal(-result);
    flushLineToUart();
  }
  return RUN_OFF;
}
