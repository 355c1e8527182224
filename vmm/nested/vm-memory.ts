// SPDX-License-Identifier: MIT
// The physical memory that a VM's devices reach: host RAM, the VM's own window, and the
// doorbells of its interrupt controller. Any other PA is an external abort. Only the
// IOMMU keeps a device out of host RAM, as on hardware: stage 2 maps only to the VM's
// window.

import { isDoorbell, offsetOfGpa } from '../../devices/bus/index.ts';
import type { PhysicalMemory, PortUnit } from '../../devices/unit/index.ts';
import type { HostRam } from '../../host/hardware/host-ram.ts';
import { type GuestWindow, windowOf } from '../../host/kernel/vm.ts';

export class VmMemory implements PhysicalMemory {
  readonly #guest: GuestWindow<PortUnit>;
  readonly #ram: HostRam;
  readonly #requesterId: number;
  readonly #bytes: Uint8Array;

  /** @param requesterId of the device's MSIs. */
  constructor(guest: GuestWindow<PortUnit>, ram: HostRam, requesterId: number) {
    this.#guest = guest;
    this.#ram = ram;
    this.#requesterId = requesterId;
    this.#bytes = new Uint8Array(guest.memory.buffer);
  }

  bytes(pa: number, length: number): Uint8Array | undefined {
    const { window, address } = windowOf(pa);
    if (window === 0) return this.#ram.bytes(address, length);
    if (window !== this.#guest.window) return undefined;
    const offset = offsetOfGpa(this.#guest.regions, address, length);
    return offset < 0 ? undefined : this.#bytes.subarray(offset, offset + length);
  }

  write32(pa: number, data: number): boolean {
    const { msis } = this.#guest;
    const { window, address } = windowOf(pa);
    if (!msis || window !== this.#guest.window || !isDoorbell(msis, address)) return false;
    return msis.send(this.#requesterId, address, data);
  }
}
