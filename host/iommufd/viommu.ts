// SPDX-License-Identifier: MIT
// A VM's share of an IOMMU, and the hardware queues on it
// (drivers/iommu/iommufd/viommu.c).

import type {
  DirectPage,
  HwQueueDriver,
  Iommu,
  MmapArea,
  ViommuDriver,
  VmHandle,
} from './driver.ts';
import type { FaultQueue, Veventq } from './event-files.ts';
import type { PagingHwpt } from './hwpt.ts';
import type { PinnedRange } from './ioas.ts';
import { IommufdObject } from './object.ts';
import type { Vdevice } from './vdevice.ts';

export class Viommu extends IommufdObject {
  readonly type = 'VIOMMU';
  readonly iommu: Iommu;
  readonly parent: PagingHwpt;
  readonly driver: ViommuDriver;
  readonly viommuType: number;
  readonly vm: VmHandle | undefined;
  readonly vdevices = new Map<bigint, Vdevice>();
  readonly eventQueues = new Map<number, Veventq>();
  faultQueue: FaultQueue | undefined;
  readonly mmapArea: MmapArea | undefined;

  constructor(options: {
    readonly iommu: Iommu;
    readonly parent: PagingHwpt;
    readonly driver: ViommuDriver;
    readonly viommuType: number;
    readonly vm: VmHandle | undefined;
    readonly mmapOffset: number;
  }) {
    super();
    this.iommu = options.iommu;
    this.parent = options.parent;
    this.driver = options.driver;
    this.viommuType = options.viommuType;
    this.vm = options.vm;
    const page = options.driver.directPage;
    this.mmapArea = page && { offset: options.mmapOffset, length: page.length };
    this.keep(options.parent);
    options.vm?.get();
  }

  /** The paging HWPT with the IOAS of its devices. */
  get paging(): PagingHwpt {
    return this.parent;
  }

  protected release(): void {
    this.driver.destroy();
    this.vm?.put();
  }

  override describe(): Readonly<Record<string, string | number>> {
    return {
      iommu: this.iommu.name,
      viommuType: this.viommuType,
      ...(this.vm ? { vm: this.vm.name } : {}),
    };
  }
}

/** A direct page mapped with mmap. Its vIOMMU cannot be destroyed while it is mapped. */
export interface MappedPage {
  readonly page: DirectPage;
  /** Ends the mapping. */
  unmap(): void;
}

/**
 * A queue of the IOMMU's hardware that reads a guest's commands from the guest's memory.
 */
export class HwQueue extends IommufdObject {
  readonly type = 'HW_QUEUE';
  readonly index: number;
  readonly driver: HwQueueDriver;
  readonly #ring: PinnedRange;

  constructor(viommu: Viommu, index: number, driver: HwQueueDriver, ring: PinnedRange) {
    super();
    this.index = index;
    this.driver = driver;
    this.#ring = ring;
    this.keep(viommu);
  }

  /** The driver stops the hardware's reads of the ring before the ring is unpinned. */
  protected release(): void {
    this.driver.destroy();
    this.#ring.unpin();
  }

  override describe(): Readonly<Record<string, string | number>> {
    return { index: this.index };
  }
}
