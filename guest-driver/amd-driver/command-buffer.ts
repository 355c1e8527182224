// SPDX-License-Identifier: MIT
// The command buffer of an AMD IOMMU. The guest owns it, so it works without exits.

import {
  AMD_CMD_DEVICE,
  AMD_CMD_OP,
  AMD_COMMAND_HEAD,
  AMD_COMMAND_TAIL,
  AMD_COMPLETE_GROUP,
  AMD_COMPLETE_RESPONSE,
  AMD_ENTRY_SIZE,
  AMD_INV_DOMAIN,
  AMD_INV_GN,
  AMD_OP_COMPLETE_PPR,
  AMD_OP_COMPLETION_WAIT,
  AMD_OP_INVALIDATE_DEVTAB_ENTRY,
  AMD_OP_INVALIDATE_IOMMU_ALL,
  AMD_OP_INVALIDATE_IOMMU_PAGES,
  AMD_STATUS,
  AMD_STATUS_CMD_BUF_RUN,
  AMD_WAIT_STORE,
} from '../../assembly/layout/amd-formats';
import { ABI_AT_INVALIDATING } from '../../assembly/layout/guest-abi';
import { QUEUE_WAIT_MICROSECONDS, QUEUE_WAITS, SPINS_PER_WAIT } from '../driver/poll';
import { RESULT_OK, RESULT_QUEUE_OFF, RESULT_TIMEOUT } from '../driver/result';
import { gpaOf } from '../runtime/abi';
import { bitsOf, place } from '../runtime/guest-fields';
import { read32, write64 } from '../runtime/mmio';
import { acknowledgeMaps, exitRequested } from '../runtime/safe-point';
import { wait } from '../runtime/vsmmu';
import { AMD_ENTRIES, amdDriver, setCommandBuffer } from './amd-driver-state';

function operation(code: u32): u64 {
  return (<u64>place(AMD_CMD_OP, code)) << 32;
}

function writeAt(index: u32, d0: u64, d1: u64): void {
  const at = amdDriver().commands + <usize>index * AMD_ENTRY_SIZE;
  store<u64>(at, d0);
  store<u64>(at, d1, 8);
}

/**
 * Writes a command into the buffer; `completeCommands` submits it. At most AMD_ENTRIES -
 * 2 commands may be pending.
 */
function put(d0: u64, d1: u64): void {
  const state = amdDriver();
  writeAt(state.tail, d0, d1);
  state.tail = (state.tail + 1) & (AMD_ENTRIES - 1);
}

/** Adds the invalidation of a page of a DomainID, in the guest's tables of PASID 0. */
export function putInvalidatePage(domain: u32, iova: u64): void {
  put(
    operation(AMD_OP_INVALIDATE_IOMMU_PAGES) | ((<u64>place(AMD_INV_DOMAIN, domain)) << 32),
    (iova & ~(<u64>0xfff)) | place(AMD_INV_GN, 1),
  );
}

/** Adds the invalidation of a whole DomainID. */
export function putInvalidateDomain(domain: u32): void {
  put(
    operation(AMD_OP_INVALIDATE_IOMMU_PAGES) | ((<u64>place(AMD_INV_DOMAIN, domain)) << 32),
    0x7ffffffffffff001,
  );
}

/** Adds the invalidation of a device's entry in the device table. */
export function putInvalidateEntry(device: u32): void {
  put(operation(AMD_OP_INVALIDATE_DEVTAB_ENTRY) | place(AMD_CMD_DEVICE, device), 0);
}

/** Adds the answer to a group of page requests of a device, which had no PASID. */
export function putCompleteRequest(device: u32, group: u32, response: u32): void {
  const tag = place(AMD_COMPLETE_GROUP, group) | place(AMD_COMPLETE_RESPONSE, response);
  put(operation(AMD_OP_COMPLETE_PPR) | place(AMD_CMD_DEVICE, device), (<u64>tag) << 32);
}

/** Adds the invalidation of all DomainIDs, which no guest may issue. */
export function putInvalidateAll(): void {
  put(operation(AMD_OP_INVALIDATE_IOMMU_ALL), 0);
}

/** Waits until the last COMPLETION_WAIT has stored its data. */
export function awaitCompletion(): i32 {
  const state = amdDriver();
  let spins = 0;
  let waits = 0;
  while (true) {
    if (atomic.load<u64>(state.semaphore) == state.waits) return RESULT_OK;
    acknowledgeMaps();
    if (++spins < SPINS_PER_WAIT && !exitRequested()) continue;
    if (bitsOf(read32(state.gpa + AMD_STATUS), AMD_STATUS_CMD_BUF_RUN) == 0)
      return RESULT_QUEUE_OFF;
    if (waits++ == QUEUE_WAITS) return RESULT_TIMEOUT;
    wait(QUEUE_WAIT_MICROSECONDS);
    spins = 0;
  }
}

/**
 * Submits the commands followed by a COMPLETION_WAIT, and waits until that has stored its
 * data.
 * @returns RESULT_OK, RESULT_QUEUE_OFF when the buffer has halted at a command, or
 *   RESULT_TIMEOUT.
 */
export function completeCommands(): i32 {
  const state = amdDriver();
  state.waits++;
  put(
    operation(AMD_OP_COMPLETION_WAIT) | gpaOf(state.semaphore) | place(AMD_WAIT_STORE, 1),
    state.waits,
  );
  write64(state.gpa + AMD_COMMAND_TAIL, state.tail * AMD_ENTRY_SIZE);
  return awaitCompletion();
}

/** `completeCommands` for invalidations: the host counts the exits in the meantime. */
export function completeInvalidations(): i32 {
  store<u32>(0, 1, ABI_AT_INVALIDATING);
  const result = completeCommands();
  store<u32>(0, 0, ABI_AT_INVALIDATING);
  return result;
}

/**
 * Restarts a halted buffer: the command at which it halted is replaced with one that does
 * nothing.
 */
export function skipCommand(): i32 {
  const state = amdDriver();
  setCommandBuffer(false);
  const head = read32(state.gpa + AMD_COMMAND_HEAD) / AMD_ENTRY_SIZE;
  writeAt(head & (AMD_ENTRIES - 1), operation(AMD_OP_COMPLETION_WAIT), 0);
  setCommandBuffer(true);
  write64(state.gpa + AMD_COMMAND_TAIL, state.tail * AMD_ENTRY_SIZE);
  return awaitCompletion();
}
