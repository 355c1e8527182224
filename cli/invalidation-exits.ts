// SPDX-License-Identifier: MIT

import type { Machine } from '../vmm/api/index.ts';

/** Number of accesses to registers of SMMU and CMDQV that have trapped. */
export function invalidationExits({ statistics }: Machine): number {
  return Object.entries(statistics.exits.byRegister)
    .filter(([register]) => /^(smmuv3|physical-smmuv3-0|cmdqv)\./.test(register))
    .reduce((sum, [, count]) => sum + count, 0);
}
