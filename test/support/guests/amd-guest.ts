// SPDX-License-Identifier: MIT
// A guest with an AMD IOMMU: it enables the IOMMU, does DMA through it, and invalidates
// through its own command buffer. AssemblyScript; the test writes the next step to its
// memory, and reads the results there.

import {
  AMD_COMMAND_BASE,
  AMD_COMMAND_TAIL,
  AMD_CONTROL,
  AMD_DEVICE_TABLE_BASE,
  AMD_DTE_SIZE,
  AMD_EVENT_BASE,
  AMD_EVENT_HEAD,
  AMD_EVENT_TAIL,
} from '../../../assembly/layout/amd-formats';
import {
  DMA_CTRL,
  DMA_DST,
  DMA_LENGTH,
  DMA_OP_FILL,
  DMA_PATTERN,
  DMA_STATUS,
} from '../../../assembly/layout/dma-engine-registers';
import {
  ABI_AT_INVALIDATING,
  ABI_KIND_AMD_IOMMU,
  ABI_KIND_DMA,
  RUN_YIELD,
} from '../../../assembly/layout/guest-abi';
import { exitCount, gpaOf } from '../../../guest-driver/runtime/abi';
import { deviceGpa, deviceStream, findDevice } from '../../../guest-driver/runtime/device-table';
import { doorbellCalls, read64, write32, write64 } from '../../../guest-driver/runtime/mmio';
import { acknowledgeMaps, exitRequested } from '../../../guest-driver/runtime/safe-point';
import { mmio_read32, wait } from '../../../guest-driver/runtime/vsmmu';

export const vsmmu_abi: i32 = 1;

// Written by the test: the step, the DomainID, the pattern of a fill. Results are from
// RESULTS on.
const STEP: usize = 0x180000;
const DOMAIN: usize = 0x180004;
const PATTERN: usize = 0x180008;
const RESULTS: usize = 0x180010;
const AT_STATUS: usize = 0x00;
const AT_EXITS: usize = 0x04;
const AT_DOORBELLS: usize = 0x08;
const AT_EVENTS: usize = 0x0c;
const AT_EVENT: usize = 0x10;

const DEVICE_TABLE: usize = 0x190000;
const COMMANDS: usize = 0x191000;
const EVENTS: usize = 0x192000;
const GCR3: usize = 0x193000;
/** Four levels of tables, one page each. */
const TABLES: usize = 0x194000;
const SEMAPHORE: usize = 0x198000;
const DATA: usize = 0x199000;
const IOVA: u64 = 0x123456000;
/** 2^8 entries. */
const LENGTH: u64 = (<u64>8) << 56;
const BUFFER_MASK: u32 = 0xfff;
const PTE: u64 = 7;

function iommu(): u32 {
  return deviceGpa(findDevice(ABI_KIND_AMD_IOMMU));
}

function dma(): u32 {
  return deviceGpa(findDevice(ABI_KIND_DMA));
}

function put(d0: u64, d1: u64): void {
  const tail = u32(read64(iommu() + AMD_COMMAND_TAIL)) + load<u32>(0, PENDING);
  const at = COMMANDS + (tail & BUFFER_MASK);
  store<u64>(at, d0);
  store<u64>(at, d1, 8);
  store<u32>(0, load<u32>(0, PENDING) + 16, PENDING);
}
/** Bytes of commands after the tail. */
const PENDING: usize = 0x18000c;

// Submits the commands and a COMPLETION_WAIT, and waits for its store.
function complete(): void {
  const value = load<u64>(SEMAPHORE) + 1;
  put(((<u64>1) << 60) | u64(gpaOf(SEMAPHORE)) | 1, value);
  const tail = u32(read64(iommu() + AMD_COMMAND_TAIL)) + load<u32>(0, PENDING);
  store<u32>(0, 0, PENDING);
  write64(iommu() + AMD_COMMAND_TAIL, u64(tail & BUFFER_MASK));
  while (atomic.load<u64>(SEMAPHORE) != value) {
    acknowledgeMaps();
    if (exitRequested()) wait(0);
  }
}

function pte(level: u32): usize {
  return TABLES + ((level - 1) << 12) + <usize>(((IOVA >> u64(3 + 9 * level)) & 0x1ff) << 3);
}

function bringUp(): void {
  const device = deviceStream(findDevice(ABI_KIND_DMA));
  const gcr3 = u64(gpaOf(GCR3));
  store<u64>(GCR3, u64(gpaOf(TABLES + 0x3000)) | 1);
  for (let level: u32 = 4; level > 1; level--)
    store<u64>(pte(level), u64(gpaOf(TABLES + ((level - 2) << 12))) | PTE);
  store<u64>(pte(1), u64(gpaOf(DATA)) | PTE);
  // V, TV, GIOV, GV, IR, IW; one level of GCR3 table, four of guest tables.
  const dte: usize = DEVICE_TABLE + device * AMD_DTE_SIZE;
  store<u64>(dte, 3 | ((<u64>3) << 54) | (((gcr3 >> 12) & 7) << 58) | ((<u64>3) << 61));
  store<u64>(
    dte,
    u64(load<u32>(DOMAIN)) | (((gcr3 >> 15) & 0xffff) << 16) | ((gcr3 >> 31) << 43),
    8,
  );
  const base = iommu();
  write64(base + AMD_DEVICE_TABLE_BASE, u64(gpaOf(DEVICE_TABLE)));
  write64(base + AMD_COMMAND_BASE, u64(gpaOf(COMMANDS)) | LENGTH);
  write64(base + AMD_EVENT_BASE, u64(gpaOf(EVENTS)) | LENGTH);
  // IommuEn, EventLogEn, EventIntEn, CmdBufEn.
  write64(base + AMD_CONTROL, 0x100d);
  put(((<u64>2) << 60) | u64(device), 0);
  complete();
}

function fill(): void {
  const engine = dma();
  write64(engine + DMA_DST, IOVA);
  write32(engine + DMA_LENGTH, 4);
  write32(engine + DMA_PATTERN, load<u32>(PATTERN));
  write32(engine + DMA_CTRL, DMA_OP_FILL);
  store<u32>(RESULTS, mmio_read32(engine + DMA_STATUS), AT_STATUS);
  // The event log: the number of its records, and the first one, which is consumed.
  const base = iommu();
  const head = u32(read64(base + AMD_EVENT_HEAD));
  const tail = u32(read64(base + AMD_EVENT_TAIL));
  store<u32>(RESULTS, ((tail - head) & BUFFER_MASK) >> 4, AT_EVENTS);
  if (head == tail) return;
  store<u64>(RESULTS, load<u64>(EVENTS + head), AT_EVENT);
  store<u64>(RESULTS, load<u64>(EVENTS + head, 8), AT_EVENT + 8);
  write64(base + AMD_EVENT_HEAD, u64((head + 16) & BUFFER_MASK));
}

function invalidate(): void {
  const exits = exitCount();
  const calls = doorbellCalls();
  atomic.store<u32>(0, 1, ABI_AT_INVALIDATING);
  // One page of PASID 0 of the guest's domain (GN).
  put(((<u64>3) << 60) | (u64(load<u32>(DOMAIN)) << 32), IOVA | 4);
  complete();
  atomic.store<u32>(0, 0, ABI_AT_INVALIDATING);
  store<u32>(RESULTS, exitCount() - exits, AT_EXITS);
  store<u32>(RESULTS, doorbellCalls() - calls, AT_DOORBELLS);
}

export function vsmmu_run(_budget: i32): i32 {
  acknowledgeMaps();
  switch (load<u32>(STEP)) {
    case 1:
      bringUp();
      break;
    case 2:
      fill();
      break;
    case 3:
      store<u64>(pte(1), 0);
      break;
    case 4:
      invalidate();
      break;
  }
  return RUN_YIELD;
}
