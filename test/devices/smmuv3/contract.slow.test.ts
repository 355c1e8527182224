// SPDX-License-Identifier: MIT

import { describe, it } from 'vitest';
import { PhysicalSmmu, VirtualSmmu } from '../../../devices/smmuv3/index.ts';
import {
  type DeviceFactory,
  deviceContract,
  type Stimulus,
} from '../../../devices/testing/index.ts';
import { createHostMemory, Unit } from '../../../devices/unit/index.ts';
import { checkedModules } from '../../support/findings.ts';
import { steps } from '../../support/thorough.ts';
import { TestViommuBackend } from '../../support/viommu-backend.ts';

const OPERATIONS = steps(1000, 3000);
const modules = await checkedModules();
const backends = new WeakMap<object, TestViommuBackend>();

const physical: DeviceFactory = () => {
  const unit = new Unit({
    modules,
    hostMemory: createHostMemory({ ramSize: 0x100000 }),
    thread: 0,
  });
  return new PhysicalSmmu({ unit, smmuIndex: 0 });
};

const virtual: DeviceFactory = (host) => {
  const backend = new TestViommuBackend(modules, host);
  const device = new VirtualSmmu({ backend });
  backends.set(device, backend);
  return device;
};

/** DMA of the machine's devices, whose faults are reported as events. */
const dma: Stimulus = ({ device }, random) => {
  const backend = backends.get(device);
  backend?.dma(random.pick([8, 9]), random.word());
  backend?.forwardEvents();
};

describe('PhysicalSmmu', () => {
  for (const { name, run } of deviceContract(physical, { operations: OPERATIONS })) it(name, run);
});

describe('VirtualSmmu', () => {
  for (const { name, run } of deviceContract(virtual, {
    operations: OPERATIONS,
    stimulus: dma,
    seeds: [1, 2],
  }))
    it(name, run);
});
