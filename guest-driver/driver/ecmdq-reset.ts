// SPDX-License-Identifier: MIT
// Bring-up of the ECMDQs of the SMMU's first control page (IHI 0070 section 3.5.6).

import { SYNC_CS_NONE } from '../../assembly/layout/commands';
import {
  CMDQ_CONTROL_PAGE_CMDQGS,
  CMDQ_CONTROL_PAGE_EN,
  CMDQ_CONTROL_PAGE_PRESET,
  CMDQ_ENTRY_SIZE,
  ECMDQ_BASE,
  ECMDQ_CONS,
  ECMDQ_CONS_ENACK,
  ECMDQ_PROD,
  ECMDQ_PROD_EN,
  IDR1_CMDQS,
  IDR1_ECMDQ,
  IDR6_LOG2NUMQ,
  Q_BASE_LOG2SIZE,
  SMMU_CMDQ_CONTROL_PAGE_BASE,
  SMMU_CMDQ_CONTROL_PAGE_STATUS,
  SMMU_ECMDQ_PAGE_SIZE,
  SMMU_IDR6,
} from '../../assembly/layout/smmu-registers';
import { gpaOf } from '../runtime/abi';
import { bitsOf, place } from '../runtime/guest-fields';
import { read32, read64, write32, write64 } from '../runtime/mmio';
import { allocate } from '../runtime/pages';
import { ecmdq, MAX_ECMDQS, Queue } from './driver-queues';
import { clearEcmdqs, ecmdqs } from './ecmdqs';
import { waitForField } from './poll';
import { RESULT_NO_MEMORY, RESULT_OK, RESULT_UNSUPPORTED } from './result';
import { smmu } from './smmu';
import { MAX_QUEUE_LOG2 } from './smmu-structures';

/** CMDQGS: a control page of 64 KiB. */
const GRANULE_64K = 1;
/** ADDR of CMDQ_CONTROL_PAGE_BASE, from the SMMU's base. */
const PAGE_ADDRESS: u64 = 0x000fffffffff0000;

/** Finds the queues of an SMMU that has been probed. */
export function probeEcmdqs(): i32 {
  clearEcmdqs();
  const gpa = smmu().gpa;
  if (bitsOf(smmu().idr1, IDR1_ECMDQ) == 0) return RESULT_UNSUPPORTED;
  const base = read64(gpa + SMMU_CMDQ_CONTROL_PAGE_BASE);
  // A page that is not preset would have to be placed and enabled first; no SMMU here has
  // one.
  if (
    bitsOf(<u32>base, CMDQ_CONTROL_PAGE_PRESET) == 0 ||
    bitsOf(<u32>base, CMDQ_CONTROL_PAGE_CMDQGS) != GRANULE_64K
  )
    return RESULT_UNSUPPORTED;
  if (bitsOf(read32(gpa + SMMU_CMDQ_CONTROL_PAGE_STATUS), CMDQ_CONTROL_PAGE_EN) == 0)
    return RESULT_UNSUPPORTED;
  const log2 = bitsOf(read32(gpa + SMMU_IDR6), IDR6_LOG2NUMQ);
  const state = ecmdqs();
  state.gpa = gpa + <u32>(base & PAGE_ADDRESS);
  state.stride = SMMU_ECMDQ_PAGE_SIZE >> log2;
  state.count = min<u32>(1 << log2, <u32>MAX_ECMDQS);
  return RESULT_OK;
}

/** Allocates the rings, in the maximum size of the CMDQ. */
export function allocateEcmdqs(): i32 {
  const state = ecmdqs();
  const log2size = min<u32>(bitsOf(smmu().idr1, IDR1_CMDQS), MAX_QUEUE_LOG2);
  const bytes: usize = CMDQ_ENTRY_SIZE << log2size;
  for (let i: u32 = 0; i < state.count; i++) {
    const queue = ecmdq(i);
    queue.ring = allocate(bytes, bytes);
    if (queue.ring == 0) return RESULT_NO_MEMORY;
    queue.log2size = log2size;
    queue.prodGpa = state.gpa + i * state.stride + ECMDQ_PROD;
    queue.consGpa = state.gpa + i * state.stride + ECMDQ_CONS;
    queue.signal = SYNC_CS_NONE;
  }
  return RESULT_OK;
}

/** Stops a queue, so that software may write its registers. */
function stopEcmdq(queue: Queue): i32 {
  queue.enabled = 0;
  queue.flags = 0;
  write32(queue.prodGpa, 0);
  return waitForField(queue.consGpa, ECMDQ_CONS_ENACK, 0);
}

/** Sets a queue's ring and enables the queue, with no error active. */
export function startEcmdq(index: u32): i32 {
  const queue = ecmdq(index);
  let result = stopEcmdq(queue);
  if (result != RESULT_OK) return result;
  write64(
    queue.prodGpa - ECMDQ_PROD + ECMDQ_BASE,
    <u64>gpaOf(queue.ring) | place(Q_BASE_LOG2SIZE, queue.log2size),
  );
  write32(queue.consGpa, 0);
  queue.prod = 0;
  queue.cons = 0;
  queue.flags = place(ECMDQ_PROD_EN, 1);
  write32(queue.prodGpa, queue.flags);
  result = waitForField(queue.consGpa, ECMDQ_CONS_ENACK, 1);
  if (result == RESULT_OK) queue.enabled = 1;
  return result;
}

/** Enables all queues. The SMMU must be up and the rings allocated. */
export function resetEcmdqs(): i32 {
  const state = ecmdqs();
  state.enabled = 0;
  if (state.count == 0) return RESULT_UNSUPPORTED;
  for (let i: u32 = 0; i < state.count; i++) {
    const result = startEcmdq(i);
    if (result != RESULT_OK) return result;
  }
  // Set last: until all queues are enabled, commands must not use them.
  state.enabled = 1;
  return RESULT_OK;
}
