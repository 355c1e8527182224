// SPDX-License-Identifier: MIT
// A host with a VT-d IOMMU: its memory, the IOMMU that its VMs share, and what it lends
// them.

import { MAX_THREADS } from '../../../assembly/layout/host-memory.ts';
import type { MemoryRegion } from '../../../assembly/load.ts';
import type { DmaPort } from '../../../devices/plugin/index.ts';
import { createHostMemory } from '../../../devices/unit/index.ts';
import type { VtdMemory } from '../../../devices/vtd/index.ts';
import { HostError } from '../../../host/hardware/host-error.ts';
import { HostRam } from '../../../host/hardware/host-ram.ts';
import { IdAllocator } from '../../../host/kernel/id-allocator.ts';
import { windowOf } from '../../../host/kernel/vm.ts';
import { VtdIommu } from '../../../host/kernel/vtd/index.ts';
import { VtdGuestIommu } from './vtd-guest-iommu.ts';
import { VtdVm } from './vtd-vm.ts';

/** Host RAM in window 0, each VM's memory in its own. */
class AddressMap implements VtdMemory {
  readonly vms = new Map<number, VtdVm>();
  readonly #ram: HostRam;

  constructor(ram: HostRam) {
    this.#ram = ram;
  }

  load64(pa: number): bigint | undefined {
    const { window, address } = windowOf(pa);
    return window === 0
      ? this.#ram.physical.load64(address)
      : this.vms.get(window)?.memory.load64(address);
  }

  store32(pa: number, value: number): boolean {
    const { window, address } = windowOf(pa);
    return window === 0
      ? this.#ram.physical.store32(address, value)
      : this.vms.get(window)?.memory.store32(address, value) === true;
  }

  bytes(pa: number, length: number): Uint8Array | undefined {
    const { window, address } = windowOf(pa);
    return window === 0
      ? this.#ram.bytes(address, length)
      : this.vms.get(window)?.bytes(address, length);
  }
}

export class VtdHost {
  readonly iommu: VtdIommu;
  readonly #map: AddressMap;
  readonly #windows = new IdAllocator(
    1,
    MAX_THREADS,
    'no-context',
    `windows are exhausted: ${MAX_THREADS - 1}`,
  );

  /**
   * @param ramSize bytes of host RAM, a multiple of 64 KiB; 1 MiB of a VM's memory uses
   *   some 2 KiB.
   */
  constructor(ramSize = 0x400000) {
    const ram = new HostRam(createHostMemory({ ramSize }));
    this.#map = new AddressMap(ram);
    this.iommu = new VtdIommu(ram, this.#map);
  }

  /** Creates a VM: its memory becomes a window of the physical address map. */
  createVm(name: string, memory: WebAssembly.Memory, regions: readonly MemoryRegion[]): VtdVm {
    const vm = new VtdVm(name, this.#windows.allocate(), memory, regions);
    this.#map.vms.set(vm.window, vm);
    return vm;
  }

  /**
   * Creates a vIOMMU for a VM, with its devices.
   * @param virtIds source IDs as numbered by the guest, at least one.
   * @throws {HostError | IommufdError} when a resource is exhausted.
   */
  createGuestIommu(vm: VtdVm, virtIds: readonly number[]): VtdGuestIommu {
    const devices = virtIds.map(
      (virtId) => [virtId, this.iommu.addDevice(`${vm.name} device ${virtId}`)] as const,
    );
    return new VtdGuestIommu(vm, new Map(devices));
  }

  /** The DMA port of a guest's device. */
  dmaPort(guest: VtdGuestIommu, virtId: number): DmaPort {
    const device = guest.devices.get(virtId);
    if (!device) throw new HostError('no-stream', `${guest.vm.name} has no device ${virtId}`);
    return device.port(virtId);
  }

  /** Releases everything that a VM has. Its machine has stopped. */
  destroyVm(vm: VtdVm, guest: VtdGuestIommu): void {
    guest.destroy();
    this.#map.vms.delete(vm.window);
    this.#windows.free(vm.window);
  }
}
