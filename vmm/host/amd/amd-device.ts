// A device behind a physical AMD IOMMU.

import { type IommuDevice, require } from '../../iommufd/index.ts';
import type { AmdIommu } from './amd-iommu.ts';
import type { AmdViommu } from './amd-viommu.ts';

export class AmdDevice implements IommuDevice {
  readonly name: string;
  readonly iommu: AmdIommu;
  readonly deviceId: number;
  claimed = false;
  /** Where it is a vDEVICE, and the DeviceID that the guest knows it by. */
  vdevice: { readonly viommu: AmdViommu; readonly virtId: number } | undefined;

  constructor(name: string, iommu: AmdIommu, deviceId: number) {
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
