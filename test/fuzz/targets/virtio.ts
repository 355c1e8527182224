// SPDX-License-Identifier: MIT
// Drivers of virtio devices over MMIO and PCI, of the DMA engine and of bridges over
// PCIe: configuration space, BARs and rings in any order. None throws; none accesses a
// page that the IOMMU does not grant, not even with an MSI-X message; a reset makes it
// like a new one.

import { DmaEnginePci } from '../../../devices/dma-engine/index.ts';
import type {
  AtsCapability,
  AtsSettings,
  Device,
  DmaPort,
  DmaResult,
} from '../../../devices/plugin/index.ts';
import {
  FakeHost,
  type FakeHostOptions,
  Random,
  type Stimulus,
} from '../../../devices/testing/index.ts';
import { Subject } from '../../../devices/testing/subject.ts';
import {
  MemoryDisk,
  VirtioBlock,
  VirtioConsole,
  VirtioEntropy,
  type VirtioFunction,
  VirtioMmio,
  VirtioNet,
  VirtioPci,
} from '../../../devices/virtio/index.ts';
import { dmaPciStep } from '../../support/dma-steps.ts';
import { bridgeStep, bridgeWithFunctions } from '../../support/pcie-function.ts';
import { bridgeWithMasters, mastersStep } from '../../support/pcie-masters.ts';
import { virtioPciStep } from '../../support/virtio-pci-steps.ts';
import { virtioLegacyStep, virtioStep } from '../../support/virtio-steps.ts';
import { ensure, type Fuzzer, type FuzzTarget } from '../target.ts';

const OPERATIONS = 1000;
/** The pages that the IOMMU grants, which the drivers' steps use. */
const GRANTED = { at: 0x1000, end: 0x5000 } as const;
const REFUSED: DmaResult = { ok: false, done: 0 };
const UNTOUCHED = 0xa5;

/** A host whose IOMMU grants four pages; it counts the accesses that it refuses. */
class GrantingHost extends FakeHost {
  refused = 0;
  /** For any request of a device: responses of every kind in turn. */
  #responses = 0;
  readonly ats: AtsCapability;

  constructor(options: FakeHostOptions) {
    super(options);
    let settings: AtsSettings = { enabled: false, pageRequests: false, silent: false };
    this.ats = {
      get settings() {
        return settings;
      },
      configure: (wanted) => {
        settings = wanted;
      },
      takeResponses: () => {
        const bits = this.#responses++;
        return { isWaiting: (bits & 1) !== 0, failed: bits % 5 === 0, unexpected: bits % 7 === 0 };
      },
    };
  }

  override dmaPort(): DmaPort {
    const port = super.dmaPort();
    const isGranted = (iova: number, length: number) =>
      iova >= this.ramGpa + GRANTED.at && iova + length <= this.ramGpa + GRANTED.end;
    const guarded =
      (how: 'read' | 'write'): DmaPort['read'] =>
      (iova, bytes, attributes) => {
        if (isGranted(iova, bytes.length)) return port[how](iova, bytes, attributes);
        this.refused++;
        return REFUSED;
      };
    return { ...port, read: guarded('read'), write: guarded('write'), ats: this.ats };
  }

  override msi(address: number, data: number): boolean {
    return this.dmaPort().write(address, Uint8Array.of(data, data >> 8, data >> 16, data >> 24)).ok;
  }
}

const FUNCTIONS: readonly (() => VirtioFunction)[] = [
  () => new VirtioBlock(new MemoryDisk(new Uint8Array(0x10000)), 'disk'),
  () => new VirtioConsole(() => undefined),
  () => new VirtioEntropy((target) => target.fill(0x11)),
  () => new VirtioNet(),
];

const DEVICES: readonly (readonly [() => Device, Stimulus])[] = [
  ...FUNCTIONS.flatMap((make): [() => Device, Stimulus][] => [
    [() => new VirtioMmio('mmio', make()), virtioStep],
    [() => new VirtioPci('pci', make()), virtioPciStep],
  ]),
  ...FUNCTIONS.filter((make) => make().supportsLegacy).map((make): [() => Device, Stimulus] => [
    () => new VirtioMmio('legacy', make(), { legacy: true }),
    virtioLegacyStep,
  ]),
  [() => new DmaEnginePci('dma'), dmaPciStep],
  [bridgeWithFunctions, bridgeStep],
  [bridgeWithMasters, mastersStep],
];

class VirtioFuzzer implements Fuzzer {
  run(seed: number): number {
    const random = new Random(seed);
    const [make, step] = random.pick(DEVICES);
    const host = new GrantingHost({ ramSize: 0x10000 });
    const subject = new Subject(make, {}, undefined, host);
    const { ram } = host;
    ram.fill(UNTOUCHED);
    ram.fill(0, GRANTED.at, GRANTED.end);
    subject.storm(random, OPERATIONS, step);
    const touched = ram.findIndex(
      (byte, at) => byte !== UNTOUCHED && (at < GRANTED.at || at >= GRANTED.end),
    );
    ensure(touched < 0, () => `${subject.device.name} has changed the byte at ${touched}`);
    host.reset(subject.device);
    const fresh = make();
    fresh.attach(new FakeHost());
    fresh.reset();
    const states = [subject.device, fresh].map((device) => JSON.stringify(device.save()));
    ensure(states[0] === states[1], () => `${fresh.name} differs from a new one after a reset`);
    return OPERATIONS;
  }
}

export const virtio: FuzzTarget = {
  name: 'virtio',
  create: () => Promise.resolve(new VirtioFuzzer()),
};
