// SPDX-License-Identifier: MIT
// Invalidation of a physical SMMU's caches, for a reset of the device.

import {
  CFG_ENTRY_SIZE,
  CFG_SET_GEN,
  CFG_SET_STRIDE,
  CFG_SETS,
  CFG_VALID,
  CFG_WAYS,
  SMMU_AT_CFG_ENTRIES,
  SMMU_AT_CFG_SETS,
} from '../../assembly/layout/config-cache-memory.ts';
import { SMMU_AT_ALL_GEN, SMMU_AT_CFG_CONT } from '../../assembly/layout/smmu-memory.ts';
import { smmuBase } from '../unit/index.ts';

/**
 * Drops every IOTLB and configuration-cache entry. Generations only increase: a smaller
 * value would make dead entries valid again.
 */
export function dropCaches(hostMemory: WebAssembly.Memory, smmuIndex: number): void {
  const smmu = smmuBase(smmuIndex);
  const words = new Int32Array(hostMemory.buffer);
  const longs = new BigInt64Array(hostMemory.buffer);
  Atomics.add(longs, (smmu + SMMU_AT_ALL_GEN) >> 3, 1n);
  for (let set = 0; set < CFG_SETS; set++)
    Atomics.add(longs, (smmu + SMMU_AT_CFG_SETS + set * CFG_SET_STRIDE + CFG_SET_GEN) >> 3, 1n);
  for (let entry = 0; entry < CFG_SETS * CFG_WAYS; entry++) {
    Atomics.store(words, (smmu + SMMU_AT_CFG_ENTRIES + entry * CFG_ENTRY_SIZE + CFG_VALID) >> 2, 0);
  }
  Atomics.store(words, (smmu + SMMU_AT_CFG_CONT) >> 2, 0);
}
