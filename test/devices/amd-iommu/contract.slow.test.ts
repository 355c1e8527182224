// SPDX-License-Identifier: MIT

import { describe, it } from 'vitest';
import { deviceContract } from '../../../devices/testing/index.ts';
import { amdDriver, physicalAmdIommu, virtualAmdIommu } from '../../support/amd-devices.ts';
import { steps } from '../../support/thorough.ts';

const OPERATIONS = steps(1000, 3000);

describe('PhysicalAmdIommu', () => {
  for (const { name, run } of deviceContract(physicalAmdIommu, { operations: OPERATIONS }))
    it(name, run);
});

describe('VirtualAmdIommu', () => {
  for (const { name, run } of deviceContract(virtualAmdIommu, {
    operations: OPERATIONS,
    stimulus: amdDriver,
    seeds: [1, 2],
  }))
    it(name, run);
});
