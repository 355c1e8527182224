// SPDX-License-Identifier: MIT
// One VCMDQ of VINTF 0, through the logical view of its registers.

import {
  CMDQ_ALLOC_ALLOCATED,
  CMDQV_CMDQ_ALLOC,
  CMDQV_LOGICAL_PAGE0,
  CMDQV_PAGE_SIZE,
  VCMDQ_BASE,
  VCMDQ_BASE_LOG2SIZE,
  VCMDQ_CONFIG,
  VCMDQ_CONFIG_EN,
  VCMDQ_CONS,
  VCMDQ_CONS_INDX_BASE,
  VCMDQ_GERROR,
  VCMDQ_GERRORN,
  VCMDQ_PROD,
  VCMDQ_STATUS,
  VCMDQ_STATUS_ENABLED,
  VCMDQ_STRIDE,
} from '../../assembly/layout/cmdqv-registers';
import { SYNC_CS_NONE } from '../../assembly/layout/commands';
import { gpaOf } from '../runtime/abi';
import { place } from '../runtime/guest-fields';
import { read32, write32, write64 } from '../runtime/mmio';
import { beginBatch, nextCommand, submitBatch } from './batch';
import { buildSync } from './build-commands';
import { cmdqv } from './cmdqv';
import { vcmdq } from './driver-queues';
import { waitForField } from './poll';
import { RESULT_OK } from './result';

function page0(lvcmdq: u32): u32 {
  return cmdqv().gpa + CMDQV_LOGICAL_PAGE0 + lvcmdq * VCMDQ_STRIDE;
}

function page1(lvcmdq: u32): u32 {
  return page0(lvcmdq) + CMDQV_PAGE_SIZE;
}

/**
 * gpa of the CMDQ_ALLOC register for an LVCMDQ of VINTF 0: queues are assigned to VINTFs
 * in order, so the numbers agree.
 */
export function allocationGpa(lvcmdq: u32): u32 {
  return cmdqv().gpa + CMDQV_CMDQ_ALLOC + lvcmdq * 4;
}

/**
 * Stops a queue and clears its registers. It also works on a queue that is not allocated.
 *
 * An ATC_INV without a CMD_SYNC could report its timeout to the queue's next owner; two
 * CMD_SYNCs on the SMMU's CMDQ flush it.
 */
export function stopVcmdq(lvcmdq: u32): i32 {
  const registers = page0(lvcmdq);
  vcmdq(lvcmdq).enabled = 0;
  write32(registers + VCMDQ_CONFIG, 0);
  let result = waitForField(registers + VCMDQ_STATUS, VCMDQ_STATUS_ENABLED, 0);
  if (result != RESULT_OK) return result;
  beginBatch();
  buildSync(nextCommand(), SYNC_CS_NONE);
  result = submitBatch();
  if (result != RESULT_OK) return result;
  write32(registers + VCMDQ_PROD, 0);
  write32(registers + VCMDQ_CONS, 0);
  write64(page1(lvcmdq) + VCMDQ_BASE, 0);
  write64(page1(lvcmdq) + VCMDQ_CONS_INDX_BASE, 0);
  const gerrorn = read32(registers + VCMDQ_GERRORN);
  const gerror = read32(registers + VCMDQ_GERROR);
  if (gerror != gerrorn) write32(registers + VCMDQ_GERRORN, gerror);
  return RESULT_OK;
}

/** Releases a queue: stops it and deallocates it. */
export function releaseVcmdq(lvcmdq: u32): i32 {
  const result = stopVcmdq(lvcmdq);
  if (result != RESULT_OK) return result;
  const gpa = allocationGpa(lvcmdq);
  write32(gpa, read32(gpa) & ~place(CMDQ_ALLOC_ALLOCATED, 1));
  return RESULT_OK;
}

/** Allocates a queue, sets its ring and enables it. VINTF 0 must be enabled. */
export function startVcmdq(lvcmdq: u32): i32 {
  const gpa = allocationGpa(lvcmdq);
  write32(gpa, read32(gpa) | place(CMDQ_ALLOC_ALLOCATED, 1));
  let result = stopVcmdq(lvcmdq);
  if (result != RESULT_OK) return result;
  const queue = vcmdq(lvcmdq);
  write64(
    page1(lvcmdq) + VCMDQ_BASE,
    <u64>gpaOf(queue.ring) | place(VCMDQ_BASE_LOG2SIZE, queue.log2size),
  );
  queue.prod = 0;
  queue.cons = 0;
  write32(page0(lvcmdq) + VCMDQ_CONFIG, place(VCMDQ_CONFIG_EN, 1));
  result = waitForField(page0(lvcmdq) + VCMDQ_STATUS, VCMDQ_STATUS_ENABLED, 1);
  if (result == RESULT_OK) queue.enabled = 1;
  return result;
}
