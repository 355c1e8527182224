// SPDX-License-Identifier: MIT
// The region of an SMMUv3's registers: pages 0 and 1, followed by the command queue
// control page when there are ECMDQs.

import {
  SMMU_ECMDQ_PAGE,
  SMMU_ECMDQ_PAGE_SIZE,
  SMMU_REGION_SIZE,
} from '../../assembly/layout/smmu-registers.ts';
import type { DeviceRegion } from '../plugin/index.ts';

export function smmuRegion(enhancedQueues: number): DeviceRegion {
  const size = enhancedQueues > 0 ? SMMU_ECMDQ_PAGE + SMMU_ECMDQ_PAGE_SIZE : SMMU_REGION_SIZE;
  return { name: 'smmuv3', size, accessSizes: [4, 8] };
}
