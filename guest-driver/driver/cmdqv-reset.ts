// SPDX-License-Identifier: MIT
// Bring-up of the CMDQV in Linux's order, after the SMMU's own reset.

import {
  CMDQ_ALLOC_LVCMDQ,
  CMDQ_ALLOC_VINTF,
  CMDQV_CMDQ_ALLOC,
  CMDQV_CONFIG,
  CMDQV_CONFIG_EN,
  CMDQV_STATUS,
  CMDQV_STATUS_ENABLED,
  CMDQV_VINTF,
  VINTF_CONFIG,
  VINTF_CONFIG_EN,
  VINTF_CONFIG_HYP_OWN,
  VINTF_SID_MATCH,
  VINTF_SID_REPLACE,
  VINTF_STATUS,
  VINTF_STATUS_ENABLED,
} from '../../assembly/layout/cmdqv-registers';
import { bitsOf, place } from '../runtime/guest-fields';
import { read32, write32 } from '../runtime/mmio';
import { cmdqv } from './cmdqv';
import { waitForField } from './poll';
import { RESULT_NO_DEVICE, RESULT_OK } from './result';
import { releaseVcmdq, startVcmdq } from './vcmdq';

/** gpa of a register of VINTF 0's configuration block. */
export function vintfGpa(register: u32): u32 {
  return cmdqv().gpa + CMDQV_VINTF + register;
}

/** Disables and enables the CMDQV, and preserves the other fields of CONFIG. */
function restartCmdqv(): i32 {
  const gpa = cmdqv().gpa;
  const config = read32(gpa + CMDQV_CONFIG);
  write32(gpa + CMDQV_CONFIG, config & ~place(CMDQV_CONFIG_EN, 1));
  const result = waitForField(gpa + CMDQV_STATUS, CMDQV_STATUS_ENABLED, 0);
  if (result != RESULT_OK) return result;
  write32(gpa + CMDQV_CONFIG, config | place(CMDQV_CONFIG_EN, 1));
  return waitForField(gpa + CMDQV_STATUS, CMDQV_STATUS_ENABLED, 1);
}

/** Assigns every VINTF its queues in order; none of them is allocated yet. */
function distributeQueues(): void {
  const state = cmdqv();
  for (let queue: u32 = 0; queue < state.vcmdqCount; queue++) {
    const owner =
      place(CMDQ_ALLOC_VINTF, queue / state.lvcmdqCount) |
      place(CMDQ_ALLOC_LVCMDQ, queue % state.lvcmdqCount);
    write32(state.gpa + CMDQV_CMDQ_ALLOC + queue * 4, owner);
  }
}

function stopVintf(): i32 {
  const state = cmdqv();
  state.vintfEnabled = 0;
  for (let lvcmdq: i32 = state.lvcmdqCount - 1; lvcmdq >= 0; lvcmdq--) {
    const result = releaseVcmdq(lvcmdq);
    if (result != RESULT_OK) return result;
  }
  write32(vintfGpa(VINTF_CONFIG), 0);
  const result = waitForField(vintfGpa(VINTF_STATUS), VINTF_STATUS_ENABLED, 0);
  if (result != RESULT_OK) return result;
  for (let pair: u32 = 0; pair < state.sidCount; pair++) {
    write32(vintfGpa(VINTF_SID_MATCH) + pair * 4, 0);
    write32(vintfGpa(VINTF_SID_REPLACE) + pair * 4, 0);
  }
  return RESULT_OK;
}

/**
 * Enables VINTF 0 and requests HYP_OWN: the value read back says whether this kernel is
 * the hypervisor's.
 */
function startVintf(): i32 {
  const state = cmdqv();
  const config = place(VINTF_CONFIG_HYP_OWN, 1);
  write32(vintfGpa(VINTF_CONFIG), config);
  write32(vintfGpa(VINTF_CONFIG), config | place(VINTF_CONFIG_EN, 1));
  const result = waitForField(vintfGpa(VINTF_STATUS), VINTF_STATUS_ENABLED, 1);
  if (result != RESULT_OK) return result;
  state.hypOwn = bitsOf(read32(vintfGpa(VINTF_CONFIG)), VINTF_CONFIG_HYP_OWN);
  return RESULT_OK;
}

/**
 * Resets the CMDQV and brings up VINTF 0 with all its queues. The SMMU must be up and the
 * rings allocated.
 */
export function resetCmdqv(): i32 {
  const state = cmdqv();
  if (state.present == 0) return RESULT_NO_DEVICE;
  let result = restartCmdqv();
  if (result != RESULT_OK) return result;
  distributeQueues();
  result = stopVintf();
  if (result != RESULT_OK) return result;
  result = startVintf();
  for (let lvcmdq: u32 = 0; result == RESULT_OK && lvcmdq < state.lvcmdqCount; lvcmdq++)
    result = startVcmdq(lvcmdq);
  // Set last: until all queues are enabled, commands and interrupts must not use them.
  if (result == RESULT_OK) state.vintfEnabled = 1;
  return result;
}
