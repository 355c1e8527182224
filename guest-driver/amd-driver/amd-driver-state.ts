// SPDX-License-Identifier: MIT
// State of a guest's driver for the board's AMD IOMMU, and its bring-up (AMD publication
// 48882).

import {
  AMD_BASE_LENGTH,
  AMD_COMMAND_BASE,
  AMD_CONTROL,
  AMD_CONTROL_CMD_BUF_EN,
  AMD_CONTROL_EVENT_INT_EN,
  AMD_CONTROL_EVENT_LOG_EN,
  AMD_CONTROL_IOMMU_EN,
  AMD_CONTROL_PPR_EN,
  AMD_CONTROL_PPR_INT_EN,
  AMD_CONTROL_PPR_LOG_EN,
  AMD_DEVICE_TABLE_BASE,
  AMD_DTE_SIZE,
  AMD_EFR,
  AMD_EFR_GIO,
  AMD_EFR_GT,
  AMD_EFR_PPR,
  AMD_ENTRY_SIZE,
  AMD_EVENT_BASE,
  AMD_MIN_LENGTH,
  AMD_PPR_BASE,
} from '../../assembly/layout/amd-formats';
import { ABI_KIND_AMD_IOMMU } from '../../assembly/layout/guest-abi';
import {
  RESULT_NO_DEVICE,
  RESULT_NO_MEMORY,
  RESULT_OK,
  RESULT_UNSUPPORTED,
} from '../driver/result';
import { gpaOf } from '../runtime/abi';
import { deviceGpa, deviceIrq, findDevice } from '../runtime/device-table';
import { bitsOf, place } from '../runtime/guest-fields';
import { read32, write64 } from '../runtime/mmio';
import { allocate } from '../runtime/pages';

/** Entries of the command buffer, of each log and of the device table: one page each. */
export const AMD_ENTRIES: u32 = 1 << AMD_MIN_LENGTH;
const PAGE: usize = 4096;

export class AmdDriver {
  /** gpa of the registers. */
  gpa: u32 = 0;
  irq: u32 = 0;
  /** Low word of the extended features. */
  efr: u32 = 0;
  control: u32 = 0;
  /** Memory offsets. */
  deviceTable: usize = 0;
  commands: usize = 0;
  events: usize = 0;
  /** The PPR log, 0 without page requests. */
  pageRequests: usize = 0;
  semaphore: usize = 0;
  /**
   * Index after the last written command, which is CommandTail once the commands are
   * submitted.
   */
  tail: u32 = 0;
  /** Data of the last COMPLETION_WAIT. */
  waits: u32 = 0;
}

const AMD_DRIVER: usize = memory.data(offsetof<AmdDriver>(), 64);

export function amdDriver(): AmdDriver {
  return changetype<AmdDriver>(AMD_DRIVER);
}

/**
 * Finds the IOMMU. It must support guest translation, also for requests without a PASID.
 */
export function probeAmdIommu(): i32 {
  memory.fill(AMD_DRIVER, 0, offsetof<AmdDriver>());
  const entry = findDevice(ABI_KIND_AMD_IOMMU);
  if (entry == 0) return RESULT_NO_DEVICE;
  const state = amdDriver();
  state.gpa = deviceGpa(entry);
  state.irq = deviceIrq(entry);
  state.efr = read32(state.gpa + AMD_EFR);
  const giov = bitsOf(read32(state.gpa + AMD_EFR + 4), AMD_EFR_GIO);
  return bitsOf(state.efr, AMD_EFR_GT) == 0 || giov == 0 ? RESULT_UNSUPPORTED : RESULT_OK;
}

/** Sets or clears the command buffer's enable in CONTROL. */
export function setCommandBuffer(enabled: bool): void {
  const state = amdDriver();
  const bit = place(AMD_CONTROL_CMD_BUF_EN, 1);
  state.control = enabled ? state.control | bit : state.control & ~bit;
  write64(state.gpa + AMD_CONTROL, state.control);
}

function baseOf(buffer: usize): u64 {
  return <u64>gpaOf(buffer) | ((<u64>place(AMD_BASE_LENGTH, AMD_MIN_LENGTH)) << 32);
}

/** Whether devices may request pages. */
export function hasPageRequests(): bool {
  return bitsOf(amdDriver().efr, AMD_EFR_PPR) != 0;
}

/** Starts the log of page requests, with its interrupt. */
function startPageRequests(): i32 {
  const state = amdDriver();
  if (!hasPageRequests()) return RESULT_OK;
  state.pageRequests = allocate(AMD_ENTRIES * AMD_ENTRY_SIZE, PAGE);
  if (state.pageRequests == 0) return RESULT_NO_MEMORY;
  write64(state.gpa + AMD_PPR_BASE, baseOf(state.pageRequests));
  state.control |=
    place(AMD_CONTROL_PPR_EN, 1) |
    place(AMD_CONTROL_PPR_INT_EN, 1) |
    place(AMD_CONTROL_PPR_LOG_EN, 1);
  return RESULT_OK;
}

/**
 * Brings the IOMMU up: a device table in which every device is blocked, command buffer,
 * logs and their interrupt.
 */
export function startAmdIommu(): i32 {
  const state = amdDriver();
  const bytes: usize = AMD_ENTRIES * AMD_ENTRY_SIZE;
  state.deviceTable = allocate(PAGE, PAGE);
  state.commands = allocate(bytes, PAGE);
  state.events = allocate(bytes, PAGE);
  state.semaphore = allocate(8, 8);
  if (state.deviceTable == 0 || state.commands == 0 || state.events == 0 || state.semaphore == 0)
    return RESULT_NO_MEMORY;
  // V and TV without IR and IW block every access.
  for (let at: usize = 0; at < PAGE; at += AMD_DTE_SIZE) store<u64>(state.deviceTable + at, 3);
  write64(state.gpa + AMD_DEVICE_TABLE_BASE, gpaOf(state.deviceTable));
  write64(state.gpa + AMD_COMMAND_BASE, baseOf(state.commands));
  write64(state.gpa + AMD_EVENT_BASE, baseOf(state.events));
  state.control =
    place(AMD_CONTROL_IOMMU_EN, 1) |
    place(AMD_CONTROL_EVENT_LOG_EN, 1) |
    place(AMD_CONTROL_EVENT_INT_EN, 1);
  const result = startPageRequests();
  setCommandBuffer(true);
  return result;
}
