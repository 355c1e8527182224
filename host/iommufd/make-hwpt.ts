// SPDX-License-Identifier: MIT
// Creation of HWPTs, by HWPT_ALLOC or by an attach to an IOAS
// (drivers/iommu/iommufd/hw_pagetable.c, device.c).

import type { DriverData, IommuDevice, NestedRequest } from './driver.ts';
import type { FaultQueue } from './event-files.ts';
import { NestedHwpt, PagingHwpt } from './hwpt.ts';
import type { Ioas } from './ioas.ts';
import { require } from './iommufd-error.ts';
import type { IommufdObject } from './object.ts';
import { DATA_NONE } from './uapi.ts';
import type { Undo } from './undo.ts';
import { Viommu } from './viommu.ts';

/** A request for a paging HWPT. */
export interface PagingHwptRequest {
  readonly device: IommuDevice;
  readonly ioas: Ioas;
  readonly automatic?: boolean;
  readonly nestParent?: boolean;
  readonly dirtyTracking?: boolean;
  readonly data?: DriverData | undefined;
  readonly faults?: FaultQueue | undefined;
}

/** @throws {IommufdError} and the caller runs `undo`. */
export function pagingHwpt(request: PagingHwptRequest, undo: Undo): PagingHwpt {
  const { device, ioas, automatic = false, nestParent = false, dirtyTracking = false } = request;
  const { data, faults } = request;
  const domain = device.iommu.allocPaging({
    device,
    nestParent,
    dirtyTracking,
    data,
    faults: faults?.sink,
  });
  undo.add(() => domain.destroy());
  ioas.addDomain(domain);
  undo.add(() => ioas.removeDomain(domain));
  const hwpt = new PagingHwpt(domain, ioas, { nestParent, automatic });
  undo.add(() => hwpt.letGoOfAll());
  hwpt.faultsGoTo(faults);
  return hwpt;
}

/** A request for a nested HWPT. */
export interface NestedHwptRequest {
  readonly device: IommuDevice;
  /** The object that the caller named. */
  readonly parent: IommufdObject;
  readonly nestParent: boolean;
  readonly dirtyTracking: boolean;
  readonly data: DriverData | undefined;
  readonly faults: FaultQueue | undefined;
}

/** @throws {IommufdError} and the caller runs `undo`. */
export function nestedHwpt(
  { device, parent, nestParent, dirtyTracking, data, faults }: NestedHwptRequest,
  undo: Undo,
): NestedHwpt {
  require(parent instanceof Viommu ||
    parent instanceof PagingHwpt, 'EINVAL', 'the parent is not an IOAS, a vIOMMU or a paging HWPT');
  require(!nestParent &&
    !dirtyTracking, 'EOPNOTSUPP', 'a nested HWPT is not a parent and has no dirty tracking');
  require(data !== undefined &&
    data.type !== DATA_NONE, 'EOPNOTSUPP', 'a nested HWPT needs driver data');
  const request: NestedRequest = { device, flags: 0, data, faults: faults?.sink };
  const hwpt = new NestedHwpt(nestedDomain(parent, request), parent);
  undo.add(() => hwpt.destroy());
  hwpt.faultsGoTo(faults);
  return hwpt;
}

function nestedDomain(parent: Viommu | PagingHwpt, request: NestedRequest) {
  const { device } = request;
  if (parent instanceof Viommu) {
    require(parent.iommu ===
      device.iommu, 'EINVAL', `${device.name} is behind another IOMMU than the vIOMMU`);
    return parent.driver.allocNested(request);
  }
  const { iommu } = device;
  require(iommu.allocNested !== undefined, 'EOPNOTSUPP', `${iommu.name} nests on vIOMMUs only`);
  require(parent.nestParent, 'EINVAL', `HWPT ${parent.id} is not a nest parent`);
  return iommu.allocNested(parent.domain, request);
}
