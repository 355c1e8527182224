// SPDX-License-Identifier: MIT
// AMD IOMMUs of either role with the memory of a fake host, and the steps of their
// driver.

import {
  AMD_COMMAND_BASE,
  AMD_COMMAND_TAIL,
  AMD_CONTROL,
  AMD_DEVICE_TABLE_BASE,
  AMD_EVENT_BASE,
  AMD_PPR_BASE,
  AMD_PPR_HEAD,
} from '../../assembly/layout/amd-formats.ts';
import { loadAmdModules } from '../../assembly/load.ts';
import {
  AmdUnit,
  completionWait,
  invalidateDevtabEntry,
  invalidatePages,
  PhysicalAmdIommu,
  VirtualAmdIommu,
} from '../../devices/amd-iommu/index.ts';
import { SYSTEM_CLOCK } from '../../devices/bus/index.ts';
import { storeStructure } from '../../devices/tables/index.ts';
import type { DeviceFactory, Stimulus } from '../../devices/testing/index.ts';
import { createHostMemory } from '../../devices/unit/index.ts';
import { HostRam } from '../../host/hardware/host-ram.ts';
import { AmdDevice, AmdIommu } from '../../host/kernel/amd/index.ts';
import { Vm } from '../../host/kernel/vm.ts';
import { AmdGuestIommu } from '../../vmm/nested/amd/index.ts';
import { tableMemory } from './table-memory.ts';

const modules = await loadAmdModules();
const backends = new WeakMap<object, AmdGuestIommu>();
const DEVICE_ID = 8;

export const physicalAmdIommu: DeviceFactory = () => {
  const unit = new AmdUnit({
    modules,
    hostMemory: createHostMemory({ ramSize: 0x100000 }),
    thread: 0,
  });
  return new PhysicalAmdIommu({ unit, unitOf: () => undefined });
};

/** The guest's IOMMU of a VM whose memory is the fake host's. */
export const virtualAmdIommu: DeviceFactory = (host) => {
  const hostMemory = createHostMemory({ ramSize: 0x400000 });
  const regions = [{ gpa: host.ramGpa, offset: host.ramOffset, size: host.ramSize }];
  const guest = { memory: host.guestMemory, regions, window: 1 };
  const vm = new Vm(
    'vm',
    1,
    host.guestMemory,
    regions,
    new AmdUnit({ modules, hostMemory, guest, thread: 1 }),
  );
  const unit = new AmdUnit({ modules, hostMemory, thread: 0 });
  const iommu = new AmdIommu({
    unit,
    ram: new HostRam(hostMemory),
    clock: SYSTEM_CLOCK,
    unitOf: () => vm.unit,
  });
  const backend = new AmdGuestIommu(
    vm,
    iommu,
    new Map([[DEVICE_ID, new AmdDevice('device', iommu, iommu.devices.allocate())]]),
  );
  const device = new VirtualAmdIommu(backend);
  backends.set(device, backend);
  return device;
};

/**
 * A driver's steps: enable the IOMMU, or send some commands; then the host's work at a
 * safe point.
 */
export const amdDriver: Stimulus = (bus, random, host) => {
  const backend = backends.get(bus.device);
  const page = (number: number) => host.ramGpa + 0x1000 * number;
  if (random.below(3) === 0) {
    bus.write32(AMD_DEVICE_TABLE_BASE, page(1));
    for (const [register, at] of [
      [AMD_COMMAND_BASE, 2] as const,
      [AMD_EVENT_BASE, 3] as const,
      [AMD_PPR_BASE, 5] as const,
    ]) {
      bus.write32(register, page(at));
      bus.write32(register + 4, random.pick([8, 8, 8, 9, 0, 15]) << 24);
    }
    bus.write32(AMD_CONTROL, random.pick([0x1015, 0x101d, 0xf01d, 0xb01d, 0x100d, 0x1000, 0]));
    bus.write32(AMD_PPR_HEAD, random.word());
  } else {
    const commands = [
      invalidatePages(random.below(4), 0, random.word()),
      invalidateDevtabEntry(DEVICE_ID),
      new Uint32Array(4).map(() => random.word()),
      completionWait({ address: page(4) + 8 * random.below(8), data: 1 }, true),
    ];
    commands.forEach((command, i) => {
      storeStructure(tableMemory(host.memory), page(2) + 16 * i, command);
    });
    bus.write32(AMD_COMMAND_TAIL, 16 * random.below(6));
  }
  backend?.service();
};
