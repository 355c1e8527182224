// SPDX-License-Identifier: MIT
// A device behind a physical SMMU.

import { IDR0_ATS, IDR1_SSIDSIZE } from '../../../assembly/layout/smmu-registers.ts';
import { bitsOf } from '../../../devices/plugin/index.ts';
import {
  FaultGroups,
  HW_CAP_PCI_ATS_NOT_SUPPORTED,
  HW_CAP_PCI_PASID_EXEC,
  HW_CAP_PCI_PASID_PRIV,
  type Iommu,
  type IommuDevice,
  type ReservedRegion,
  type ResourceGate,
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

/** What a device is apart from its streams. */
export interface ArmDeviceOptions {
  /** The VM that it is assigned to. */
  readonly vm?: Vm | undefined;
  /**
   * Its root complex makes write-backs coherent whatever a guest's attributes say (CANWBS of its IORT
   * node). Default true.
   */
  readonly canwbs?: boolean;
}

export class ArmDevice implements IommuDevice {
  readonly name: string;
  readonly iommu: ArmSmmu;
  /** Physical StreamIDs. */
  readonly streams: readonly number[];
  /** The VM that it is assigned to, as VFIO tells its kernel. */
  readonly vm: Vm | undefined;
  readonly reservedRegions: readonly ReservedRegion[] | undefined;
  readonly canwbs: boolean;
  claimed = false;
  objectId: number | undefined;
  /** Its page requests, and who answers them: the fault queue of what it is attached to. */
  readonly faultGroups = new FaultGroups();
  /** Where it is a vDEVICE, and the StreamID that the guest knows it by. */
  vdevice: { readonly viommu: EventReceiver; readonly virtSid: number } | undefined;

  /** The processor that its VM runs on, as the VMID allocator has it, and its VMM's calls into the kernel. */
  get processor(): number {
    return this.vm?.unit.thread ?? 0;
  }

  /** Its requests with a PASID may be privileged, or for execution; ATS is up to the SMMU. */
  get capabilities(): number {
    const { idr0 } = this.iommu.smmu;
    return (
      (this.maxPasidLog2 > 0 ? HW_CAP_PCI_PASID_EXEC | HW_CAP_PCI_PASID_PRIV : 0) |
      (bitsOf(idr0, IDR0_ATS) ? 0 : HW_CAP_PCI_ATS_NOT_SUPPORTED)
    );
  }

  get maxPasidLog2(): number {
    return bitsOf(this.iommu.smmu.idr1, IDR1_SSIDSIZE);
  }

  constructor(
    name: string,
    iommu: ArmSmmu,
    streams: readonly number[],
    { vm, canwbs = true }: ArmDeviceOptions = {},
  ) {
    this.name = name;
    this.iommu = iommu;
    this.streams = streams;
    this.vm = vm;
    this.canwbs = canwbs;
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
