// A device behind a physical SMMU.

import { type FaultSink, type IommuDevice, require } from '../../iommufd/index.ts';
import type { Vm } from '../vm.ts';
import type { ArmIommu } from './arm-iommu.ts';
import type { ArmViommu } from './arm-viommu.ts';

export class ArmDevice implements IommuDevice {
  readonly name: string;
  readonly iommu: ArmIommu;
  /** Physical StreamIDs. */
  readonly streams: readonly number[];
  /** The VM that it is assigned to, as VFIO tells its kernel. */
  readonly vm: Vm | undefined;
  claimed = false;
  objectId: number | undefined;
  /** Who answers its page requests: the fault queue of what it is attached to. */
  faults: FaultSink | undefined;
  /** Where it is a vDEVICE, and the StreamID that the guest knows it by. */
  vdevice: { readonly viommu: ArmViommu; readonly virtSid: number } | undefined;

  constructor(name: string, iommu: ArmIommu, streams: readonly number[], vm?: Vm) {
    this.name = name;
    this.iommu = iommu;
    this.streams = streams;
    this.vm = vm;
  }
}

/** @throws {IommufdError} EINVAL for a device of another driver. */
export function armDevice(device: IommuDevice): ArmDevice {
  require(device instanceof ArmDevice, 'EINVAL', `${device.name} is not behind an SMMUv3`);
  return device;
}
