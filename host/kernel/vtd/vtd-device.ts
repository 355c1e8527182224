// SPDX-License-Identifier: MIT
// A device of the host's VT-d IOMMU.

import { VtdDmaPort, type VtdPageRequest } from '../../../devices/vtd/index.ts';
import {
  FaultGroups,
  type FaultSink,
  type Iommu,
  type IommuDevice,
  PGFAULT_GROUP_MOST,
  PGFAULT_LAST_PAGE,
  PGFAULT_READ,
  PGFAULT_WRITE,
} from '../../iommufd/index.ts';
import { require } from '../../iommufd/iommufd-error.ts';
import type { VtdHardware } from './vtd-hardware.ts';

/** IOMMU_FAULT_QUEUE: the answer that the page is present. */
const RESOLVED = 0;

/** The HWPT that a device is attached to, as far as its faults are concerned. */
export interface VtdAttachment {
  readonly faults: FaultSink | undefined;
}

export class VtdDevice implements IommuDevice {
  readonly name: string;
  readonly iommu: Iommu & VtdHardware;
  readonly sourceId: number;
  claimed = false;
  objectId: number | undefined;
  readonly #faultGroups = new FaultGroups();
  #attachment: VtdAttachment | undefined;
  /** The guest's number for it, while it is a vDEVICE. */
  virtId: number | undefined;
  #group = 0;

  constructor(name: string, iommu: Iommu & VtdHardware, sourceId: number) {
    this.name = name;
    this.iommu = iommu;
    this.sourceId = sourceId;
  }

  /** The HWPT that it is attached to; undefined: it is blocked. */
  get attachment(): VtdAttachment | undefined {
    return this.#attachment;
  }
  set attachment(attachment: VtdAttachment | undefined) {
    this.#attachment = attachment;
    this.#faultGroups.sink = attachment?.faults;
  }

  /** Its port to memory. @param virtId the source ID by which its guest knows it. */
  port(virtId: number): VtdDmaPort {
    const { physical, memory } = this.iommu;
    return new VtdDmaPort({
      iommu: physical,
      memory,
      sourceId: this.sourceId,
      virtId,
      pageRequest: (request) => this.#pageRequest(request),
    });
  }

  /**
   * Reports a group of page requests to the fault queue of the HWPT that the device is
   * attached to.
   */
  #pageRequest({ pages, answer }: VtdPageRequest): boolean {
    // Of a longer group, records would be lost and yet the whole group answered.
    if (pages.length > PGFAULT_GROUP_MOST) return false;
    const group = this.#group++ & 0x1ff;
    const respond = (code: number) => answer(code === RESOLVED);
    return pages.every(({ address, write }, i) => {
      const fault = {
        flags: i === pages.length - 1 ? PGFAULT_LAST_PAGE : 0,
        // A VMM that reads a vIOMMU's own queue identifies the device by the guest's
        // number.
        deviceId: this.virtId ?? this.objectId ?? 0,
        pasid: 0,
        group,
        permission: write ? PGFAULT_WRITE : PGFAULT_READ,
        address,
        length: 0,
      };
      return this.#faultGroups.report(fault, respond, this);
    });
  }
}

/** @throws {IommufdError} EINVAL for a device of another driver. */
export function vtdDevice(device: IommuDevice): VtdDevice {
  require(device instanceof VtdDevice, 'EINVAL', `${device.name} is not behind a VT-d IOMMU`);
  return device;
}
