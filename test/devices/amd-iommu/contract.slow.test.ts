import { describe, it } from 'vitest';
import { deviceContract } from '../../../devices/testing/index.ts';
import { amdDriver, physicalAmdIommu, virtualAmdIommu } from '../../support/amd-devices.ts';

describe('PhysicalAmdIommu', () => {
  for (const { name, run } of deviceContract(physicalAmdIommu)) it(name, run);
});

describe('VirtualAmdIommu', () => {
  for (const { name, run } of deviceContract(virtualAmdIommu, {
    stimulus: amdDriver,
    seeds: [1, 2],
  }))
    it(name, run);
});
