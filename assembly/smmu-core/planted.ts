// SPDX-License-Identifier: MIT
// Faults that depend on the behaviour of a device, a bus or a cache (F_UUT,
// F_TLB_CONFLICT, F_CFG_CONFLICT). A test of a driver plants them
// (PhysicalSmmu.plantFault), and so needs neither such a device nor conflicting entries.

import { THREAD } from '../imports/unit';
import { CFG_CONFIG, CFG_ENTRY_SIZE } from '../layout/config-cache-memory';
import { F_TLB_CONFLICT, F_UUT } from '../layout/events';
import {
  SMMU_AT_PLANTED_EVENT,
  SMMU_AT_PLANTED_LEFT,
  SMMU_AT_PLANTED_SID,
} from '../layout/smmu-memory';
import { STE_CONFIG_BYPASS, STE_CONFIG_S2 } from '../layout/ste';
import { THREAD_CFG, THREAD_IOVA } from '../layout/thread-memory';
import { configure } from './configure';
import { walkFault } from './faults';

/**
 * Whether the planted fault hits a transaction; its record is then in THREAD_EVENT. Reads
 * the access; destroys THREAD_CFG, or does what `configure` does.
 * @param enabled CR0.SMMUEN; while it is 0 only F_UUT is possible (IHI 0070 section
 *   7.3.2).
 */
export function plantedFault(smmu: usize, sid: u32, ssid: u32, enabled: bool): bool {
  const id = atomic.load<u32>(smmu, SMMU_AT_PLANTED_EVENT);
  if (atomic.load<u32>(smmu, SMMU_AT_PLANTED_SID) != sid || (!enabled && id != F_UUT)) return false;
  let stage2Only = false;
  if (id == F_TLB_CONFLICT) {
    // Only a transaction that reaches the TLB can hit a conflict there.
    if (
      !configure(smmu, sid, ssid) ||
      load<u32>(THREAD + THREAD_CFG, CFG_CONFIG) == STE_CONFIG_BYPASS
    )
      return false;
    stage2Only = load<u32>(THREAD + THREAD_CFG, CFG_CONFIG) == STE_CONFIG_S2;
  } else {
    memory.fill(THREAD + THREAD_CFG, 0, CFG_ENTRY_SIZE);
  }
  const left = atomic.load<i32>(smmu, SMMU_AT_PLANTED_LEFT);
  if (left <= 0 || atomic.cmpxchg<i32>(smmu, left, left - 1, SMMU_AT_PLANTED_LEFT) != left)
    return false;
  walkFault(id, 0, stage2Only, load<u64>(THREAD, THREAD_IOVA));
  return true;
}
