// SPDX-License-Identifier: MIT
// How HWPTs come to be: by HWPT_ALLOC, or by an attach to an IOAS (drivers/iommu/iommufd/hw_pagetable.c, device.c).

import type { DriverData, IommuDevice, NestedRequest } from './driver.ts';
import type { FaultQueue } from './event-files.ts';
import { NestedHwpt, PagingHwpt } from './hwpt.ts';
import type { Ioas } from './ioas.ts';
import { require } from './iommufd-error.ts';
import type { IommufdObject } from './object.ts';
import { DATA_NONE } from './uapi.ts';
import type { Undo } from './undo.ts';
import { Viommu } from './viommu.ts';

/** A paging HWPT that is to be made. */
export interface PagingHwptRequest {
  readonly device: IommuDevice;
  readonly ioas: Ioas;
  readonly automatic?: boolean;
  readonly nestParent?: boolean;
  readonly dirtyTracking?: boolean;
  readonly data?: DriverData | undefined;
  readonly faults?: FaultQueue | undefined;
}

/** @throws {IommufdError} and whoever calls undoes what `undo` has. */
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

/** A nested HWPT that is to be made. */
export interface NestedHwptRequest {
  readonly device: IommuDevice;
  /** Whatever was named as such. */
  readonly parent: IommufdObject;
  readonly nestParent: boolean;
  readonly dirtyTracking: boolean;
  readonly data: DriverData | undefined;
  readonly faults: FaultQueue | undefined;
}

/** @throws {IommufdError} and whoever calls undoes what `undo` has. */
export function nestedHwpt(
  { device, parent, nestParent, dirtyTracking, data, faults }: NestedHwptRequest,
  undo: Undo,
): NestedHwpt {
  require(parent instanceof Viommu ||
    parent instanceof PagingHwpt, 'EINVAL', 'neither an IOAS nor a parent of a HWPT');
  require(!nestParent &&
    !dirtyTracking, 'EOPNOTSUPP', 'a nested HWPT is no parent and tracks nothing');
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
  require(parent.nestParent, 'EINVAL', `HWPT ${parent.id} is no nest parent`);
  return iommu.allocNested(parent.domain, request);
}
