// SPDX-License-Identifier: MIT
// A device as a vIOMMU's guest sees it (struct iommufd_vdevice).

import type { BoundDevice } from './bound-device.ts';
import type { VdeviceDriver } from './driver.ts';
import { IommufdObject } from './object.ts';

/** The vIOMMU of vDEVICEs. */
export interface VdeviceOwner extends IommufdObject {
  /** By the ID that the guest uses. */
  readonly vdevices: Map<bigint, Vdevice>;
}

export class Vdevice extends IommufdObject {
  readonly type = 'VDEVICE';
  readonly viommu: VdeviceOwner;
  readonly virtId: bigint;
  readonly device: BoundDevice;
  readonly #driver: VdeviceDriver;

  constructor(viommu: VdeviceOwner, device: BoundDevice, virtId: bigint, driver: VdeviceDriver) {
    super();
    this.viommu = viommu;
    this.device = device;
    this.virtId = virtId;
    this.#driver = driver;
    viommu.vdevices.set(virtId, this);
    device.vdevice = this;
    this.keep(viommu);
  }

  /** The device stays attached; only the guest's name for it is removed. */
  protected release(): void {
    this.viommu.vdevices.delete(this.virtId);
    this.device.vdevice = undefined;
    this.#driver.destroy();
  }

  override describe(): Readonly<Record<string, string | number>> {
    return { virtId: Number(this.virtId), device: this.device.id };
  }
}
