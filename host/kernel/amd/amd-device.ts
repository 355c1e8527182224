// SPDX-License-Identifier: MIT
// A device of a physical AMD IOMMU.

import type { AmdGuestBlock } from '../../../devices/amd-iommu/index.ts';
import type { DeviceRegisters, HostRam } from '../../hardware/index.ts';
import type { Iommu, IommuDevice } from '../../iommufd/index.ts';
import { require } from '../../iommufd/iommufd-error.ts';
import type { IdAllocator } from '../id-allocator.ts';

/** A device's IOMMU as HWPTs and vIOMMUs use it (AmdIommu). */
export interface AmdHardware extends Iommu {
  readonly ram: HostRam;
  readonly vfctrl: DeviceRegisters;
  readonly domains: IdAllocator;
  readonly guestIds: IdAllocator;
  readonly devices: IdAllocator;
  /** vIOMMUs by GuestID. */
  readonly viommus: { delete(guest: number): boolean };
  guest(guest: number): AmdGuestBlock;
  vfPage(guest: number): {
    read32(offset: number): number;
    write32(offset: number, value: number): void;
  };
  installDte(device: number, dte: Uint32Array): void;
  invalidateDomains(domains: readonly number[]): void;
}

/** The vIOMMU of a vDEVICE. */
export interface DteOwner {
  /** Marks a device table entry as belonging to a device of the guest. */
  owned(dte: Uint32Array, virtId: number): Uint32Array;
}

export class AmdDevice implements IommuDevice {
  readonly name: string;
  readonly iommu: AmdHardware;
  readonly deviceId: number;
  claimed = false;
  /** Its vIOMMU, while it is a vDEVICE, and the DeviceID by which the guest knows it. */
  vdevice: { readonly viommu: DteOwner; readonly virtId: number } | undefined;

  constructor(name: string, iommu: AmdHardware, deviceId: number) {
    this.name = name;
    this.iommu = iommu;
    this.deviceId = deviceId;
  }
}

/** @throws {IommufdError} EINVAL for a device of another driver. */
export function amdDevice(device: IommuDevice): AmdDevice {
  require(device instanceof AmdDevice, 'EINVAL', `${device.name} is not behind an AMD IOMMU`);
  return device;
}
