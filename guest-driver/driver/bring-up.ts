// SPDX-License-Identifier: MIT
// Bringing up all that the board has, in the order of Linux: the SMMU, then the queues that
// invalidations go to.

import { cmdqv } from './cmdqv';
import { allocateVcmdqs, probeCmdqv } from './cmdqv-probe';
import { resetCmdqv } from './cmdqv-reset';
import { clearQueues } from './driver-queues';
import { allocateEcmdqs, probeEcmdqs, resetEcmdqs } from './ecmdq-reset';
import { clearEcmdqs } from './ecmdqs';
import { RESULT_OK } from './result';
import { probeSmmu } from './smmu-probe';
import { resetSmmu } from './smmu-reset';
import { allocateStructures } from './smmu-structures';

/** Forgets all state and probes CMDQV and SMMU. A missing CMDQV is no error. */
export function probeDevices(): i32 {
  clearQueues();
  clearEcmdqs();
  probeCmdqv();
  return probeSmmu();
}

/** Allocates the SMMU's structures and resets it. */
export function startSmmu(): i32 {
  const result = allocateStructures();
  return result != RESULT_OK ? result : resetSmmu();
}

/** Allocates the VCMDQs and resets the CMDQV. The SMMU is up. */
export function startCmdqv(): i32 {
  const result = allocateVcmdqs();
  return result != RESULT_OK ? result : resetCmdqv();
}

/** Allocates the ECMDQs that `probeEcmdqs` has found and enables them. The SMMU is up. */
export function startEcmdqs(): i32 {
  const result = allocateEcmdqs();
  return result != RESULT_OK ? result : resetEcmdqs();
}

/**
 * Finds the SMMU and brings it up: every stream aborts, command queue, event queue and
 * interrupts are on. Then its CMDQV or, without one, its ECMDQs, where there are any:
 * invalidations go there from now on. To be called once, before anything else of the driver.
 * @returns RESULT_OK; RESULT_NO_DEVICE without an SMMU; RESULT_UNSUPPORTED, RESULT_NO_MEMORY or
 *   RESULT_TIMEOUT.
 */
export function bringUpSmmu(): i32 {
  let result = probeDevices();
  if (result == RESULT_OK) result = startSmmu();
  if (result != RESULT_OK) return result;
  if (cmdqv().present != 0) return startCmdqv();
  return probeEcmdqs() == RESULT_OK ? startEcmdqs() : RESULT_OK;
}
