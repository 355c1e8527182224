// SPDX-License-Identifier: MIT
// A bound device and the HWPT that it is attached to (drivers/iommu/iommufd/device.c).

import { checkOptionalMethods } from '../../devices/plugin/known-names.ts';
import { checkMethods } from '../../devices/plugin/known-values.ts';
import type { IommuDevice } from './driver.ts';
import type { ResourceGate } from './gate.ts';
import type { Hwpt } from './hwpt.ts';
import { require } from './iommufd-error.ts';
import { IommufdObject } from './object.ts';
import { allOrNothing } from './undo.ts';

/** The vDEVICE of a device, which is destroyed with the device. */
export interface OwnedVdevice extends IommufdObject {
  readonly type: 'VDEVICE';
}

export class BoundDevice extends IommufdObject {
  readonly type = 'DEVICE';
  readonly device: IommuDevice;
  vdevice: OwnedVdevice | undefined;
  #hwpt: Hwpt | undefined;

  constructor(device: IommuDevice, gate: ResourceGate) {
    super();
    checkMethods(
      device?.iommu,
      ['block', 'hwInfo', 'allocPaging'],
      'bind: the IOMMU of the device',
    );
    checkOptionalMethods(device.iommu, ['allocNested'], 'bind: the IOMMU of the device');
    require(!device.claimed, 'EBUSY', `${device.name} is bound already`);
    require(device.iommu.coherent ?? true, 'EINVAL', `${device.iommu.name} is not coherent`);
    gate('allocation', 'device');
    this.device = device;
    device.claimed = true;
    device.iommu.block(device);
    // The reference of the driver that has it open; only `unbind` drops it.
    this.users++;
  }

  get hwpt(): Hwpt | undefined {
    return this.#hwpt;
  }

  attach(hwpt: Hwpt): void {
    require(this.#hwpt === undefined, 'EBUSY', `${this.device.name} is attached already`);
    this.#attach(hwpt);
  }

  /** Attaches to another HWPT in place of the current one. */
  replace(hwpt: Hwpt): void {
    require(this.#hwpt !== undefined, 'EINVAL', `${this.device.name} is not attached`);
    // Nothing changes: pending faults stay pending, too (iommufd_device_do_replace).
    if (hwpt === this.#hwpt) return;
    this.#attach(hwpt);
  }

  /**
   * The IOAS keeps the reserved ranges of the device for as long as the device is
   * attached to it.
   */
  #attach(hwpt: Hwpt): void {
    const { device } = this;
    const { reservedRegions = [] } = device;
    const { paging } = hwpt;
    allOrNothing((undo) => {
      if (this.#hwpt?.paging.ioas !== paging.ioas) {
        paging.ioas.reserve(device, reservedRegions);
        undo.add(() => paging.ioas.unreserve(device));
      }
      paging.mapDoorbells(reservedRegions);
      hwpt.domain.attach(device);
    });
    this.#setHwpt(hwpt);
  }

  #setHwpt(hwpt: Hwpt | undefined): void {
    if (hwpt) this.keep(hwpt);
    if (this.#hwpt) {
      const { ioas } = this.#hwpt.paging;
      if (hwpt?.paging.ioas !== ioas) ioas.unreserve(this.device);
      this.#hwpt.answerFaultsOf(this.device);
      this.letGo(this.#hwpt);
    }
    this.#hwpt = hwpt;
  }

  detach(): void {
    if (!this.#hwpt) return;
    this.device.iommu.block(this.device);
    this.#setHwpt(undefined);
  }

  protected release(): void {
    this.device.claimed = false;
  }

  override describe(): Readonly<Record<string, string | number>> {
    return { name: this.device.name, iommu: this.device.iommu.name };
  }
}
