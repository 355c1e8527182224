// SPDX-License-Identifier: MIT
// Bring-up of everything that the board has, in Linux's order: the SMMU, then the queues
// for invalidations.

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

/** Clears all state and probes CMDQV and SMMU. A missing CMDQV is not an error. */
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

/** Allocates the VCMDQs and resets the CMDQV. The SMMU must be up. */
export function startCmdqv(): i32 {
  const result = allocateVcmdqs();
  return result != RESULT_OK ? result : resetCmdqv();
}

/**
 * Allocates the ECMDQs that `probeEcmdqs` found and enables them. The SMMU must be up.
 */
export function startEcmdqs(): i32 {
  const result = allocateEcmdqs();
  return result != RESULT_OK ? result : resetEcmdqs();
}

/**
 * Finds the SMMU and brings it up: every stream aborts, and command queue, event queue
 * and interrupts are enabled. Then it brings up the CMDQV or, without one, the ECMDQs if
 * there are any; invalidations use their queues from then on. Call it once, before any
 * other function of the driver.
 * @returns RESULT_OK; RESULT_NO_DEVICE without an SMMU; RESULT_UNSUPPORTED,
 *   RESULT_NO_MEMORY or RESULT_TIMEOUT.
 */
export function bringUpSmmu(): i32 {
  let result = probeDevices();
  if (result == RESULT_OK) result = startSmmu();
  if (result != RESULT_OK) return result;
  if (cmdqv().present != 0) return startCmdqv();
  return probeEcmdqs() == RESULT_OK ? startEcmdqs() : RESULT_OK;
}
