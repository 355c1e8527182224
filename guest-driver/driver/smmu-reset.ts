// SPDX-License-Identifier: MIT
// Bring-up of the SMMU in Linux's order: disable everything, set tables and CMDQ, empty
// the caches through the CMDQ, then event queue, interrupts, translation.

import {
  CR0_ATSCHK,
  CR0_CMDQEN,
  CR0_EVENTQEN,
  CR0_SMMUEN,
  CR2_PTM,
  CR2_RECINVSID,
  IDR0_ATS,
  IRQ_CTRL_EVENTQ_IRQEN,
  IRQ_CTRL_GERROR_IRQEN,
  Q_BASE_LOG2SIZE,
  SMMU_CMDQ_BASE,
  SMMU_CMDQ_CONS,
  SMMU_CMDQ_PROD,
  SMMU_CR0,
  SMMU_CR0ACK,
  SMMU_CR1,
  SMMU_CR2,
  SMMU_EVENTQ_BASE,
  SMMU_EVENTQ_CONS,
  SMMU_EVENTQ_PROD,
  SMMU_IRQ_CTRL,
  SMMU_IRQ_CTRLACK,
  SMMU_STRTAB_BASE,
  SMMU_STRTAB_BASE_CFG,
  STRTAB_BASE_CFG_LOG2SIZE,
} from '../../assembly/layout/smmu-registers';
import { gpaOf } from '../runtime/abi';
import { bitsOf, place } from '../runtime/guest-fields';
import { read32, write32, write64 } from '../runtime/mmio';
import { beginBatch, nextCommand, submitBatch } from './batch';
import { buildCfgiAll, buildTlbiNsnhAll } from './build-commands';
import { cmdq } from './driver-queues';
import { eventRing, eventRingLog2 } from './event-queue';
import { writeAndAcknowledge } from './poll';
import { RESULT_OK } from './result';
import { smmu } from './smmu';

/**
 * CR1: table and queue accesses inner shareable, inner and outer write-back cacheable
 * (IHI 0070 section 6.3.11).
 */
const CR1_CACHEABLE = 0xd75;

/** Sets further bits of CR0 and waits for the acknowledgement. */
function enable(bits: u32): i32 {
  const state = smmu();
  const value = state.cr0 | bits;
  const result = writeAndAcknowledge(state.gpa + SMMU_CR0, state.gpa + SMMU_CR0ACK, value);
  if (result == RESULT_OK) state.cr0 = value;
  return result;
}

/** Empties the configuration caches and the TLB, each with its own CMD_SYNC. */
function invalidateEverything(): i32 {
  beginBatch();
  buildCfgiAll(nextCommand());
  const result = submitBatch();
  if (result != RESULT_OK) return result;
  beginBatch();
  buildTlbiNsnhAll(nextCommand());
  return submitBatch();
}

function bringUpCmdq(): i32 {
  const gpa = smmu().gpa;
  const queue = cmdq();
  write64(gpa + SMMU_CMDQ_BASE, <u64>gpaOf(queue.ring) | place(Q_BASE_LOG2SIZE, queue.log2size));
  write32(gpa + SMMU_CMDQ_PROD, 0);
  write32(gpa + SMMU_CMDQ_CONS, 0);
  queue.prod = 0;
  queue.cons = 0;
  const result = enable(place(CR0_CMDQEN, 1));
  if (result != RESULT_OK) return result;
  queue.enabled = 1;
  return invalidateEverything();
}

function bringUpEventQueue(): i32 {
  const gpa = smmu().gpa;
  write64(
    gpa + SMMU_EVENTQ_BASE,
    <u64>gpaOf(eventRing()) | place(Q_BASE_LOG2SIZE, eventRingLog2()),
  );
  write32(gpa + SMMU_EVENTQ_PROD, 0);
  write32(gpa + SMMU_EVENTQ_CONS, 0);
  return enable(place(CR0_EVENTQEN, 1));
}

/**
 * Resets and enables the SMMU; the structures of smmu-structures.ts must be allocated.
 */
export function resetSmmu(): i32 {
  const state = smmu();
  const gpa = state.gpa;
  cmdq().enabled = 0;
  read32(gpa + SMMU_CR0);
  let result = writeAndAcknowledge(gpa + SMMU_CR0, gpa + SMMU_CR0ACK, 0);
  if (result != RESULT_OK) return result;
  state.cr0 = 0;
  write32(gpa + SMMU_CR1, CR1_CACHEABLE);
  write32(gpa + SMMU_CR2, place(CR2_PTM, 1) | place(CR2_RECINVSID, 1));
  write64(gpa + SMMU_STRTAB_BASE, gpaOf(state.streamTable));
  write32(gpa + SMMU_STRTAB_BASE_CFG, place(STRTAB_BASE_CFG_LOG2SIZE, state.streamLog2));
  result = bringUpCmdq();
  if (result != RESULT_OK) return result;
  result = bringUpEventQueue();
  if (result != RESULT_OK) return result;
  if (bitsOf(state.idr0, IDR0_ATS) != 0) {
    result = enable(place(CR0_ATSCHK, 1));
    if (result != RESULT_OK) return result;
  }
  result = writeAndAcknowledge(gpa + SMMU_IRQ_CTRL, gpa + SMMU_IRQ_CTRLACK, 0);
  if (result != RESULT_OK) return result;
  const interrupts = place(IRQ_CTRL_EVENTQ_IRQEN, 1) | place(IRQ_CTRL_GERROR_IRQEN, 1);
  result = writeAndAcknowledge(gpa + SMMU_IRQ_CTRL, gpa + SMMU_IRQ_CTRLACK, interrupts);
  if (result != RESULT_OK) return result;
  return enable(place(CR0_SMMUEN, 1));
}
