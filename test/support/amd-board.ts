// SPDX-License-Identifier: MIT
// Machines with an AMD IOMMU and a DMA engine, on one host.

import { VirtualAmdIommu } from '../../devices/amd-iommu/index.ts';
import { DmaEngine } from '../../devices/dma-engine/index.ts';
import { MachineCore } from '../../vmm/machine/index.ts';
import type { AmdGuestIommu, AmdHost } from '../../vmm/nested/amd/index.ts';
import {
  ABI_EXIT_REQUEST,
  createGuestMemory,
  createWasi,
  type GuestImage,
  ramRegions,
  WasmGuest,
} from '../../vmm/vcpu/wasm/index.ts';

const RAM_GPA_BASE = 0x80000000;
export const IOMMU_GPA = 0x09100000;
const DMA_GPA = 0x09200000;
/** The DeviceID of the DMA engine in every guest. */
export const DEVICE_ID = 8;

export interface AmdMachine {
  readonly machine: MachineCore;
  readonly iommu: AmdGuestIommu;
  readonly words: Uint32Array;
}

export function amdMachine(host: AmdHost, image: GuestImage, name: string): AmdMachine {
  const memory = createGuestMemory(image);
  const regions = ramRegions(memory, RAM_GPA_BASE);
  const vm = host.createVm(name, memory, regions, { exitRequest: ABI_EXIT_REQUEST });
  const iommu = host.createGuestIommu(vm, [DEVICE_ID]);
  const guest = new WasmGuest({
    image,
    memory,
    ramGpaBase: RAM_GPA_BASE,
    wasi: createWasi,
    drain: vm.unit.drain,
  });
  const machine = new MachineCore({
    name,
    guest,
    memory,
    regions,
    devices: [
      { device: new VirtualAmdIommu(iommu), addresses: [IOMMU_GPA], firstIrq: 0 },
      {
        device: new DmaEngine(),
        addresses: [DMA_GPA],
        firstIrq: 1,
        dmaPort: host.dmaPort(iommu, DEVICE_ID),
      },
    ],
    onSafePoint: (full) => host.service(full),
  });
  return { machine, iommu, words: new Uint32Array(memory.buffer) };
}
