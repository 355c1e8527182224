// SPDX-License-Identifier: MIT
// Both stages of a table walk, with their permission checks.

import { THREAD } from '../imports/unit';
import { ACCESS_INSTRUCTION, ACCESS_PRIVILEGED, ACCESS_WRITE } from '../layout/access';
import { CD_PAN } from '../layout/cd';
import { CFG_CD1, CFG_CONFIG } from '../layout/config-cache-memory';
import {
  EVT_CLASS_IN,
  EVT_CLASS_TT,
  F_ADDR_SIZE,
  F_PERMISSION,
  F_WALK_EABT,
} from '../layout/events';
import {
  TLB_PERM_PX,
  TLB_PERM_R,
  TLB_PERM_UNPRIV,
  TLB_PERM_UX,
  TLB_PERM_W,
} from '../layout/iotlb-memory';
import { STE_CONFIG_NESTED, STE_CONFIG_S1 } from '../layout/ste';
import { THREAD_CFG } from '../layout/thread-memory';
import { WALK_AGAIN, WALK_DONE, WALK_FAULT } from '../layout/walk-results';
import { bits } from '../lib/fields';
import { stage2Fault, walkFault } from './faults';
import { oasBits } from './geometry';
import { commitStage1, S1_OUT, S1_PERM, skipStage1, walkStage1 } from './walk-stage1';
import { commitStage2, S2_PERM, S2_SET, skipStage2, walkStage2 } from './walk-stage2';

// Tries for one access whose descriptor updates keep losing against other writers; then
// the access is refused.
const WALK_TRIES = 4;

/** Whether the configuration in use has a stage 1. */
export function hasStage1(): bool {
  const config = load<u32>(THREAD + THREAD_CFG, CFG_CONFIG);
  return config == STE_CONFIG_S1 || config == STE_CONFIG_NESTED;
}

/**
 * Whether TLB_PERM_* bits permit an access.
 * @param pan PAN denies privileged data accesses to pages that unprivileged ones may use.
 *   Like every privilege it belongs to stage 1.
 */
export function allows(permissions: u32, attributes: u32, pan: bool): bool {
  // Unprivileged execution needs no unprivileged data access: a page may be execute-only.
  if (attributes & ACCESS_INSTRUCTION)
    return (permissions & (attributes & ACCESS_PRIVILEGED ? TLB_PERM_PX : TLB_PERM_UX)) != 0;
  const unprivileged = (permissions & TLB_PERM_UNPRIV) != 0;
  if (attributes & ACCESS_PRIVILEGED ? pan && unprivileged : !unprivileged) return false;
  return (permissions & (attributes & ACCESS_WRITE ? TLB_PERM_W : TLB_PERM_R)) != 0;
}

/** Whether PAN is enabled in the configuration in use. */
export function panOn(): bool {
  return hasStage1() && bits(load<u32>(THREAD + THREAD_CFG, CFG_CD1), CD_PAN) != 0;
}

// One try, WALK_*. Stage 1's permissions are checked before stage 2 is walked for the
// output. Descriptors are updated only for an access that both stages permit.
function walkOnce(smmu: usize, iova: u64, attributes: u32): u32 {
  const write = (attributes & ACCESS_WRITE) != 0;
  if (hasStage1()) {
    if (!walkStage1(smmu, smmu, iova, write)) return WALK_FAULT;
    if (!allows(load<u32>(THREAD, S1_PERM), attributes, panOn())) {
      walkFault(F_PERMISSION, EVT_CLASS_IN, false, 0);
      return WALK_FAULT;
    }
  } else {
    // An address that bypasses stage 1 may not be wider than an IPA (IHI 0070 section
    // 3.4).
    if (iova >> u64(oasBits(smmu)) != 0) {
      walkFault(F_ADDR_SIZE, EVT_CLASS_IN, false, 0);
      return WALK_FAULT;
    }
    skipStage1(iova);
  }
  const ipa = load<u64>(THREAD, S1_OUT);
  if (load<u32>(THREAD + THREAD_CFG, CFG_CONFIG) == STE_CONFIG_S1) {
    skipStage2(ipa);
  } else {
    if (!walkStage2(smmu, ipa, EVT_CLASS_IN, write)) return WALK_FAULT;
    // Stage 2 has no privilege.
    if (!allows(load<u32>(THREAD, S2_PERM), attributes, false)) {
      stage2Fault(F_PERMISSION, EVT_CLASS_IN, ipa);
      return WALK_FAULT;
    }
  }
  const committed = commitStage1(smmu);
  if (committed != WALK_DONE) return committed;
  return commitStage2(S2_SET) ? WALK_DONE : WALK_AGAIN;
}

/**
 * Walks the tables for an access, and updates their descriptors. Reads THREAD_CFG and
 * THREAD_ATTRIBUTES; fills S1_* and S2_*, or THREAD_EVENT on a fault; destroys the set of
 * table addresses.
 * @returns false on a fault.
 */
export function walk(smmu: usize, iova: u64, attributes: u32): bool {
  for (let i = 0; i < WALK_TRIES; i++) {
    const result = walkOnce(smmu, iova, attributes);
    if (result != WALK_AGAIN) return result == WALK_DONE;
  }
  walkFault(F_WALK_EABT, EVT_CLASS_TT, false, 0);
  return false;
}
