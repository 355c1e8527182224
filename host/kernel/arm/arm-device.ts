// SPDX-License-Identifier: MIT
// A device behind a physical SMMU.

import type {
  FaultSink,
  Iommu,
  IommuDevice,
  ReservedRegion,
  ResourceGate,
} from '../../iommufd/index.ts';
import { require } from '../../iommufd/iommufd-error.ts';
import type { SmmuDriver } from '../smmu-driver.ts';
import { physicalAddress, type Vm } from '../vm.ts';

/** The SMMU that a device is behind, as HWPTs and vIOMMUs work it (ArmIommu). */
export interface ArmSmmu extends Iommu {
  readonly smmuIndex: number;
  readonly smmu: SmmuDriver;
  readonly linuxCompat: boolean;
  readonly gate: ResourceGate;
  /** A vIOMMU is gone. */
  removed(viommu: { readonly index: number }): void;
}

/** The vIOMMU of a vDEVICE: told of the event records of the device's streams. */
export interface EventReceiver {
  /** False when nobody took the record. */
  report(device: ArmDevice, record: Uint32Array): boolean;
}

export class ArmDevice implements IommuDevice {
  readonly name: string;
  readonly iommu: ArmSmmu;
  /** Physical StreamIDs. */
  readonly streams: readonly number[];
  /** The VM that it is assigned to, as VFIO tells its kernel. */
  readonly vm: Vm | undefined;
  readonly reservedRegions: readonly ReservedRegion[] | undefined;
  claimed = false;
  objectId: number | undefined;
  /** Who answers its page requests: the fault queue of what it is attached to. */
  faults: FaultSink | undefined;
  /** Where it is a vDEVICE, and the StreamID that the guest knows it by. */
  vdevice: { readonly viommu: EventReceiver; readonly virtSid: number } | undefined;

  /** The processor that its VM runs on, as the VMID allocator has it, and its VMM's calls into the kernel. */
  get processor(): number {
    return this.vm?.unit.thread ?? 0;
  }

  constructor(name: string, iommu: ArmSmmu, streams: readonly number[], vm?: Vm) {
    this.name = name;
    this.iommu = iommu;
    this.streams = streams;
    this.vm = vm;
    this.reservedRegions = vm?.msis?.doorbells.map(({ gpa, size }) => ({
      iova: BigInt(gpa),
      length: BigInt(size),
      doorbells: physicalAddress(vm.window, gpa),
    }));
  }
}

/** @throws {IommufdError} EINVAL for a device of another driver. */
export function armDevice(device: IommuDevice): ArmDevice {
  require(device instanceof ArmDevice, 'EINVAL', `${device.name} is not behind an SMMUv3`);
  return device;
}
