// SPDX-License-Identifier: MIT
// Probes the CMDQV, before any register of the SMMU is accessed, and allocates its
// queues.

import {
  CMDQV_CONFIG,
  CMDQV_LOGICAL_PAGE0,
  CMDQV_MAX_VCMDQS,
  CMDQV_PARAM,
  CMDQV_PARAM_NUM_SID_PER_VM_LOG2,
  CMDQV_PARAM_NUM_VCMDQ_LOG2,
  CMDQV_PARAM_NUM_VINTF_LOG2,
  CMDQV_PARAM_VER,
  VCMDQ_CONS,
  VCMDQ_PROD,
  VCMDQ_STRIDE,
} from '../../assembly/layout/cmdqv-registers';
import { SYNC_CS_NONE } from '../../assembly/layout/commands';
import { ABI_KIND_CMDQV } from '../../assembly/layout/guest-abi';
import { CMDQ_ENTRY_SIZE, IDR1_CMDQS, SMMU_IDR1 } from '../../assembly/layout/smmu-registers';
import { deviceGpa, deviceIrq, findDevice } from '../runtime/device-table';
import { bitsOf } from '../runtime/guest-fields';
import { read32 } from '../runtime/mmio';
import { allocate } from '../runtime/pages';
import { clearCmdqv, cmdqv } from './cmdqv';
import { vcmdq } from './driver-queues';
import { RESULT_NO_DEVICE, RESULT_NO_MEMORY, RESULT_OK, RESULT_UNSUPPORTED } from './result';
import { selectedSmmu } from './selected-smmu';
import { smmu } from './smmu';
import { MAX_QUEUE_LOG2 } from './smmu-structures';

const VERSION = 1;

/**
 * Finds the CMDQV of the selected SMMU and reads its size. Without one the driver uses
 * the CMDQ alone.
 */
export function probeCmdqv(): i32 {
  clearCmdqv();
  const entry = findDevice(ABI_KIND_CMDQV, selectedSmmu());
  if (entry == 0) return RESULT_NO_DEVICE;
  const state = cmdqv();
  state.gpa = deviceGpa(entry);
  state.irq = deviceIrq(entry);
  read32(state.gpa + CMDQV_CONFIG);
  const param = read32(state.gpa + CMDQV_PARAM);
  const vintfLog2 = bitsOf(param, CMDQV_PARAM_NUM_VINTF_LOG2);
  const vcmdqLog2 = bitsOf(param, CMDQV_PARAM_NUM_VCMDQ_LOG2);
  // With fewer VCMDQs than VINTFs, a VINTF would have no queues, and the choice of a
  // queue would divide by zero.
  if (bitsOf(param, CMDQV_PARAM_VER) != VERSION || vcmdqLog2 < vintfLog2) return RESULT_UNSUPPORTED;
  if ((<u32>1) << vcmdqLog2 > <u32>CMDQV_MAX_VCMDQS) return RESULT_UNSUPPORTED;
  state.vintfCount = 1 << vintfLog2;
  state.vcmdqCount = 1 << vcmdqLog2;
  state.lvcmdqCount = 1 << (vcmdqLog2 - vintfLog2);
  state.sidCount = 1 << bitsOf(param, CMDQV_PARAM_NUM_SID_PER_VM_LOG2);
  state.present = 1;
  return RESULT_OK;
}

/** Allocates the rings of VINTF 0's queues, in the maximum size of the SMMU's CMDQ. */
export function allocateVcmdqs(): i32 {
  const state = cmdqv();
  const log2size = min<u32>(bitsOf(read32(smmu().gpa + SMMU_IDR1), IDR1_CMDQS), MAX_QUEUE_LOG2);
  const bytes: usize = CMDQ_ENTRY_SIZE << log2size;
  for (let lvcmdq: u32 = 0; lvcmdq < state.lvcmdqCount; lvcmdq++) {
    const queue = vcmdq(lvcmdq);
    const registers = state.gpa + CMDQV_LOGICAL_PAGE0 + lvcmdq * VCMDQ_STRIDE;
    queue.ring = allocate(bytes, bytes);
    if (queue.ring == 0) return RESULT_NO_MEMORY;
    queue.log2size = log2size;
    queue.prodGpa = registers + VCMDQ_PROD;
    queue.consGpa = registers + VCMDQ_CONS;
    // A VCMDQ signals no completion: its CONS is polled.
    queue.signal = SYNC_CS_NONE;
  }
  return RESULT_OK;
}
