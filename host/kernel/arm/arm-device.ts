// SPDX-License-Identifier: MIT
// A device of a physical SMMU.

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

/** A device's SMMU as HWPTs and vIOMMUs use it (ArmIommu). */
export interface ArmSmmu extends Iommu {
  readonly smmuIndex: number;
  readonly smmu: SmmuDriver;
  readonly linuxCompat: boolean;
  readonly gate: ResourceGate;
  /** Called when a vIOMMU has been destroyed. */
  removed(viommu: { readonly index: number }): void;
}

/** The vIOMMU of a vDEVICE, which receives the event records of the device's streams. */
export interface EventReceiver {
  /** False when no queue accepted the record. */
  report(device: ArmDevice, record: Uint32Array): boolean;
}

/** Properties of a device apart from its streams. */
export interface ArmDeviceOptions {
  /** The VM that it is assigned to. */
  readonly vm?: Vm | undefined;
  /**
   * Its root complex makes accesses coherent regardless of a guest's attributes (CANWBS
   * of its IORT node). Default true.
   */
  readonly canwbs?: boolean;
}

export class ArmDevice implements IommuDevice {
  readonly name: string;
  readonly iommu: ArmSmmu;
  /** Physical StreamIDs. */
  readonly streams: readonly number[];
  /** The VM that it is assigned to, as VFIO reports it to the kernel. */
  readonly vm: Vm | undefined;
  readonly reservedRegions: readonly ReservedRegion[] | undefined;
  readonly canwbs: boolean;
  claimed = false;
  objectId: number | undefined;
  /** Its page requests, and the fault queue of the HWPT that it is attached to. */
  readonly faultGroups = new FaultGroups();
  /** Its vIOMMU, while it is a vDEVICE, and the StreamID by which the guest knows it. */
  vdevice: { readonly viommu: EventReceiver; readonly virtSid: number } | undefined;

  /**
   * The processor that its VM and its VMM's calls into the kernel run on, as numbered by
   * the VMID allocator.
   */
  get processor(): number {
    return this.vm?.unit.thread ?? 0;
  }

  /**
   * Requests with a PASID may be privileged or for execution; ATS depends on the SMMU.
   */
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
