// SPDX-License-Identifier: MIT
// A VM of a host with a VT-d IOMMU.

import type { MemoryRegion } from '../../../assembly/load.ts';
import { guestMemoryOf, offsetOfGpa } from '../../../devices/bus/index.ts';
import type { GuestMemory } from '../../../devices/plugin/index.ts';
import type { UserMemory, VmHandle } from '../../../host/iommufd/index.ts';
import { physicalAddress } from '../../../host/kernel/vm.ts';

/** A VM: its memory and its window of the physical address map. */
export class VtdVm implements VmHandle, UserMemory {
  readonly name: string;
  readonly window: number;
  readonly regions: readonly MemoryRegion[];
  readonly memory: GuestMemory;
  readonly #bytes: Uint8Array;
  #references = 0;

  constructor(
    name: string,
    window: number,
    memory: WebAssembly.Memory,
    regions: readonly MemoryRegion[],
  ) {
    this.name = name;
    this.window = window;
    this.regions = regions;
    this.memory = guestMemoryOf(memory, regions);
    this.#bytes = new Uint8Array(memory.buffer);
  }

  get(): void {
    this.#references++;
  }

  put(): void {
    this.#references--;
  }

  /** Number of vIOMMUs that refer to the VM. */
  get references(): number {
    return this.#references;
  }

  physical(gpa: number, length: number): number | undefined {
    return offsetOfGpa(this.regions, gpa, length) < 0
      ? undefined
      : physicalAddress(this.window, gpa);
  }

  bytes(gpa: number, length: number): Uint8Array | undefined {
    const offset = offsetOfGpa(this.regions, gpa, length);
    return offset < 0 ? undefined : this.#bytes.subarray(offset, offset + length);
  }
}
