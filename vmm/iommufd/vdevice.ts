// A device as a vIOMMU's guest knows it (struct iommufd_vdevice).

import type { BoundDevice } from './device.ts';
import type { VdeviceDriver } from './driver.ts';
import { IommufdObject } from './object.ts';
import type { Viommu } from './viommu.ts';

export class Vdevice extends IommufdObject {
  readonly type = 'VDEVICE';
  readonly viommu: Viommu;
  readonly virtId: bigint;
  readonly device: BoundDevice;
  readonly #driver: VdeviceDriver;

  constructor(viommu: Viommu, device: BoundDevice, virtId: bigint, driver: VdeviceDriver) {
    super();
    this.viommu = viommu;
    this.device = device;
    this.virtId = virtId;
    this.#driver = driver;
    viommu.vdevices.set(virtId, this);
    device.vdevice = this;
    this.keep(viommu);
  }

  /** What the device is attached to stays; only its name for the guest goes. */
  protected release(): void {
    this.viommu.vdevices.delete(this.virtId);
    this.device.vdevice = undefined;
    this.#driver.destroy();
  }

  override describe(): Readonly<Record<string, string | number>> {
    return { virtId: Number(this.virtId), device: this.device.id };
  }
}
