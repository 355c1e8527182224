// SPDX-License-Identifier: MIT
// What the hot code finds in an AMD IOMMU's block after writes to its registers.

import { expect, it } from 'vitest';
import { AMD_AT_DEVICE_TABLE, AMD_AT_ENABLED } from '../../../assembly/layout/amd-block.ts';
import { AMD_CONTROL, AMD_DEVICE_TABLE_BASE } from '../../../assembly/layout/amd-formats.ts';
import { loadAmdModules } from '../../../assembly/load.ts';
import { AmdUnit, PhysicalAmdIommu } from '../../../devices/amd-iommu/index.ts';
import { DeviceBus, FakeHost } from '../../../devices/testing/index.ts';
import { createHostMemory, smmuBase } from '../../../devices/unit/index.ts';

it('a device table above 4 GiB is published with both words of its address, and the enable', async () => {
  const hostMemory = createHostMemory({ ramSize: 0x100000 });
  const unit = new AmdUnit({ modules: await loadAmdModules(), hostMemory, thread: 0 });
  const iommu = new PhysicalAmdIommu({ unit, unitOf: () => undefined });
  iommu.attach(new FakeHost());
  iommu.reset();
  const bus = new DeviceBus(iommu);
  const block = new DataView(hostMemory.buffer, smmuBase(0));
  const published = () => [
    block.getBigUint64(AMD_AT_DEVICE_TABLE, true),
    block.getUint32(AMD_AT_ENABLED, true),
  ];
  expect(published()).toEqual([0n, 0]);
  bus.write32(AMD_DEVICE_TABLE_BASE, 0x5000);
  bus.write32(AMD_DEVICE_TABLE_BASE + 4, 3);
  bus.write32(AMD_CONTROL, 1);
  expect(published()).toEqual([0x3_0000_5000n, 1]);
  iommu.reset();
  expect(published()).toEqual([0n, 0]);
});
