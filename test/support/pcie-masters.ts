// SPDX-License-Identifier: MIT
// The bus masters below a PCIe host bridge, as one device, and a driver that accesses
// them through BARs, which it moves.

import { DmaEnginePci } from '../../devices/dma-engine/index.ts';
import { PcieHost } from '../../devices/pcie/index.ts';
import type { AccessSize, Device } from '../../devices/plugin/index.ts';
import type { DeviceBus, FakeHost, Random } from '../../devices/testing/index.ts';
import {
  MemoryDisk,
  VirtioBlock,
  VirtioConsole,
  VirtioEntropy,
  VirtioNet,
  VirtioPci,
} from '../../devices/virtio/index.ts';
import { dmaPciStep } from './dma-steps.ts';
import { asOneDevice, ecam } from './pcie-function.ts';
import { virtioPciStep } from './virtio-pci-steps.ts';

const WINDOW = { gpa: 0x10000000, size: 0x20000 };
/** Address slots for a pair of BARs. Two functions may use the same slot. */
const PLACE = 0x5000;
const PLACES = 6;
const DMA = 4;

export function bridgeWithMasters(): Device {
  const functions = [
    new VirtioPci('disk', new VirtioBlock(new MemoryDisk(new Uint8Array(0x10000)), 'disk')),
    new VirtioPci('console', new VirtioConsole(() => undefined)),
    new VirtioPci('entropy', new VirtioEntropy((target) => target.fill(0x11))),
    new VirtioPci('net', new VirtioNet()),
    new DmaEnginePci('dma'),
  ];
  const bridge = new PcieHost({
    buses: 1,
    window: WINDOW,
    functions: functions.map((plugged, device) => ({ device, plugged })),
  });
  return asOneDevice(bridge, 0x8000 * functions.length);
}

/** Moves the BARs of a function, or accesses them at their place. */
export function mastersStep(bus: DeviceBus, random: Random, host: FakeHost): void {
  const device = random.below(DMA + 1);
  const config = ecam(0, device, 0);
  if (random.below(4) === 0) {
    const place = random.below(PLACES + 1) * PLACE;
    bus.write(0, config + 0x10, 4, WINDOW.gpa + place);
    bus.write(0, config + 0x14, 4, WINDOW.gpa + place + 0x4000);
    bus.write(0, config + 4, 2, 2 + 4 * random.below(2));
  }
  const barOf = (region: number) => bus.read(0, config + 0x0c + 4 * region, 4).lo - WINDOW.gpa;
  const inWindow = (offset: number) => offset >= 0 && offset + 8 <= WINDOW.size;
  const through = {
    write(region: number, offset: number, size: AccessSize, value: number) {
      if (region === 0) bus.write(0, config + offset, size, value);
      else if (inWindow(barOf(region) + offset)) bus.write(1, barOf(region) + offset, size, value);
    },
  } as unknown as DeviceBus;
  (device === DMA ? dmaPciStep : virtioPciStep)(through, random, host);
}
