// SPDX-License-Identifier: MIT
// A guest that executes TLBIs on request: its vCPU's, none of which uses a command queue.
// AssemblyScript.

import { ABI_VERSION, RUN_OFF, RUN_YIELD } from '../../../assembly/layout/guest-abi';
import { dsb, tlbi } from '../../../guest-driver/runtime/vsmmu';

export const vsmmu_abi: i32 = ABI_VERSION;

/** Operation, or -1 to power off; ASID; VA; and 1 when it is complete. */
const OPERATION: usize = 0x180000;
const ASID: usize = 0x180004;
const VA: usize = 0x180008;
const DONE: usize = 0x180010;

export function vsmmu_run(_budget: i32): i32 {
  const operation = load<i32>(OPERATION);
  if (operation < 0) return RUN_OFF;
  tlbi(operation, load<i32>(ASID), load<i64>(VA));
  let left = dsb(0);
  while (left != 0) left = dsb(left);
  store<i32>(DONE, 1);
  return RUN_YIELD;
}
