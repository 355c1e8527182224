// SPDX-License-Identifier: MIT

import { describe, it } from 'vitest';
import { QUEUE_ERROR_HELD } from '../../../assembly/layout/queue-memory.ts';
import { loadGicv3 } from '../../../assembly/load.ts';
import { Checkpoint } from '../../../devices/checkpoint/index.ts';
import { PhysicalCmdqv, VirtualCmdqv } from '../../../devices/cmdqv/index.ts';
import { DmaEngine, DmaEnginePci } from '../../../devices/dma-engine/index.ts';
import { GicIts, Gicv2mFrame, Gicv3 } from '../../../devices/gicv3/index.ts';
import { PcieRootPort, PcieTestDevice } from '../../../devices/pcie/index.ts';
import { Pl011 } from '../../../devices/pl011/index.ts';
import { Pl031 } from '../../../devices/pl031/index.ts';
import type { Device } from '../../../devices/plugin/index.ts';
import {
  type ContractOptions,
  type DeviceFactory,
  deviceContract,
  type FakeHost,
} from '../../../devices/testing/index.ts';
import { createHostMemory, Unit, writeActions } from '../../../devices/unit/index.ts';
import { type Disk, VirtioBlock, VirtioMmio, VirtioPci } from '../../../devices/virtio/index.ts';
import { physicalCmdqvStep, virtualCmdqvStep } from '../../support/cmdqv-steps.ts';
import { dmaPciStep, dmaStep } from '../../support/dma-steps.ts';
import { checkedModules } from '../../support/findings.ts';
import { bridgeStep, bridgeWithFunctions, WordEndpoint } from '../../support/pcie-function.ts';
import { steps } from '../../support/thorough.ts';
import { uartStep } from '../../support/uart-steps.ts';
import { IDR0 } from '../../support/unit-harness.ts';
import { LVCMDQS, TestVintfBackend } from '../../support/vintf-backend.ts';
import { virtioPciStep } from '../../support/virtio-pci-steps.ts';
import { virtioLegacyStep, virtioStep } from '../../support/virtio-steps.ts';

const modules = await checkedModules();
const gicModule = await loadGicv3();
const OPERATIONS = steps(600, 3000);
const ignore = () => undefined;

/**
 * A physical CMDQV that is assigned as a whole to the guest with the fake host's memory.
 */
function physicalCmdqv(host: FakeHost, reportErrors: 'hypervisor' | 'all'): PhysicalCmdqv {
  const hostMemory = createHostMemory({ ramSize: 0x10000 });
  writeActions(hostMemory, 0, IDR0);
  const regions = [{ gpa: host.ramGpa, offset: host.ramOffset, size: host.ramSize }];
  const unit = new Unit({
    modules,
    hostMemory,
    thread: 0,
    guest: { memory: host.guestMemory, regions, window: 1 },
  });
  return new PhysicalCmdqv({ unit, smmuIndex: 0, vintfs: 2, vcmdqs: 4, reportErrors });
}

const physicalOptions: ContractOptions = { stimulus: physicalCmdqvStep };

const backends = new WeakMap<Device, TestVintfBackend>();

function virtualCmdqv(host: FakeHost): VirtualCmdqv {
  const backend = new TestVintfBackend(modules, host);
  const device = new VirtualCmdqv({ backend });
  backends.set(device, backend);
  return device;
}

/** The host's policy, which reports every withheld error. */
function reportErrors(device: Device): void {
  const backend = backends.get(device);
  for (let lvcmdq = 0; backend && lvcmdq < LVCMDQS; lvcmdq++) {
    const queue = backend.queue(lvcmdq);
    if (queue.state !== QUEUE_ERROR_HELD) continue;
    backend.unit.drain.publishError(queue.smmu, queue.index);
    backend.raise(lvcmdq);
  }
}

function gicv3(): Gicv3 {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  return new Gicv3({ module: gicModule, memory, at: 0, vcpus: 2, spis: 64 });
}

/** A GIC with LPIs, whose RAM contains only zeros. */
function gicWithLpis() {
  const memory = new WebAssembly.Memory({ initial: 6, maximum: 6, shared: true });
  const lpiTables = { gpa: 0x40000000, offset: 0x50000, size: 0x10000 };
  const options = { module: gicModule, memory, at: 0, vcpus: 2, spis: 64 };
  return { gic: new Gicv3({ ...options, lpiTables }), options };
}

// A word of RAM selects whether accesses stall, so that a restored device meets the same
// conditions.
function stallingDmaEngine(host: FakeHost): DmaEngine {
  host.stalls = (iova) => iova % 0x4000 < 0x1000 && ((host.ram[0] ?? 0) & 1) !== 0;
  return new DmaEngine();
}

/** The content of a disk is not part of a device's state. */
const EMPTY_DISK: Disk = {
  size: 0x10000,
  readOnly: true,
  read: (_offset, target) => {
    target.fill(0);
  },
  write: ignore,
  flush: ignore,
};

const devices: [string, DeviceFactory, ContractOptions?][] = [
  ['Pl011', () => new Pl011({ onOutput: ignore }), { stimulus: uartStep }],
  ['DmaEngine', () => new DmaEngine(), { stimulus: dmaStep }],
  ['DmaEngine behind an IOMMU that stalls', stallingDmaEngine, { stimulus: dmaStep }],
  [
    'Gicv3',
    gicv3,
    {
      stimulus: ({ device }, random) => {
        if (!(device instanceof Gicv3)) return;
        const line = device.line(random.below(64));
        if (random.below(2)) line.pulse();
        else line.setLevel(random.below(2) === 1);
      },
    },
  ],
  ['Gicv3 with LPIs', () => gicWithLpis().gic],
  ['GicIts', () => new GicIts(gicWithLpis().options)],
  ['Gicv2mFrame', () => new Gicv2mFrame({ firstIntid: 64, spis: 4 })],
  [
    'Pl031',
    () => new Pl031({ epoch: 1767225600 }),
    {
      stimulus: ({ device }, random, host) => {
        host.timeNs += random.below(3) * 1e9;
        // An alarm in the near future.
        const access = { region: 0, offset: 0, size: 4 as const, lo: 0, hi: 0, vcpu: 0 };
        device.read(access);
        device.write({ ...access, offset: 4, lo: (access.lo + random.below(4)) >>> 0 });
      },
    },
  ],
  [
    'VirtioMmio',
    () => new VirtioMmio('disk0', new VirtioBlock(EMPTY_DISK, 'disk')),
    { stimulus: virtioStep },
  ],
  [
    'VirtioMmio by the legacy interface',
    () => new VirtioMmio('disk0', new VirtioBlock(EMPTY_DISK, 'disk'), { legacy: true }),
    { stimulus: virtioLegacyStep },
  ],
  [
    'VirtioPci',
    () => new VirtioPci('disk0', new VirtioBlock(EMPTY_DISK, 'disk')),
    { stimulus: virtioPciStep },
  ],
  ['DmaEnginePci', () => new DmaEnginePci('dma'), { stimulus: dmaPciStep }],
  ['PcieTestDevice', () => new PcieTestDevice('test')],
  ['PcieRootPort', () => new PcieRootPort('port', [new WordEndpoint()])],
  ['PcieHost with functions', bridgeWithFunctions, { stimulus: bridgeStep }],
  ['Checkpoint', () => new Checkpoint({ onPhase: ignore, onResult: ignore })],
  ['PhysicalCmdqv', (host) => physicalCmdqv(host, 'hypervisor'), physicalOptions],
  ['PhysicalCmdqv that reports all errors', (host) => physicalCmdqv(host, 'all'), physicalOptions],
  [
    'VirtualCmdqv',
    virtualCmdqv,
    {
      stimulus: (bus, random, host) => {
        virtualCmdqvStep(bus, random, host);
        reportErrors(bus.device);
      },
    },
  ],
];

describe.each(devices)('%s', (_name, factory, options) => {
  for (const { name, run } of deviceContract(factory, { operations: OPERATIONS, ...options }))
    it(name, run);
});
