// The names in requests. Linux's structures have no others; an object of JavaScript can.

import { checkNames } from '../../devices/plugin/index.ts';
import { allNamesOf } from '../../devices/plugin/known-names.ts';
import type { DriverData, InvalidateQueueRequest, InvalidateRequest } from './driver.ts';
import type { MapRequest } from './ioas.ts';
import type {
  FaultQueueRequest,
  HwptRequest,
  HwQueueAllocRequest,
  IommufdOptions,
  MmapHow,
  VdeviceRequest,
  VeventqRequest,
  ViommuAllocRequest,
} from './requests.ts';

const NAMES = {
  Iommufd: allNamesOf<IommufdOptions>({
    gate: true,
  }),
  ioasMap: allNamesOf<MapRequest>({
    iova: true,
    length: true,
    memory: true,
    address: true,
    readable: true,
    writable: true,
  }),
  hwptAlloc: allNamesOf<HwptRequest>({
    device: true,
    parent: true,
    nestParent: true,
    dirtyTracking: true,
    fault: true,
    data: true,
  }),
  viommuAlloc: allNamesOf<ViommuAllocRequest>({
    device: true,
    hwpt: true,
    type: true,
    flags: true,
    data: true,
    vm: true,
  }),
  mmap: allNamesOf<MmapHow>({
    shared: true,
    executable: true,
  }),
  vdeviceAlloc: allNamesOf<VdeviceRequest>({
    viommu: true,
    device: true,
    virtId: true,
  }),
  faultQueueAlloc: allNamesOf<FaultQueueRequest>({
    viommu: true,
  }),
  veventqAlloc: allNamesOf<VeventqRequest>({
    viommu: true,
    type: true,
    depth: true,
    flags: true,
  }),
  hwQueueAlloc: allNamesOf<HwQueueAllocRequest>({
    viommu: true,
    type: true,
    index: true,
    iova: true,
    length: true,
    flags: true,
  }),
  hwptInvalidate: allNamesOf<InvalidateRequest>({
    dataType: true,
    entryLength: true,
    entries: true,
    count: true,
  }),
  hwptInvalidateQueue: allNamesOf<InvalidateQueueRequest>({
    queue: true,
    base: true,
    log2size: true,
    head: true,
    tail: true,
  }),
};
const DATA = allNamesOf<DriverData>({ type: true, bytes: true });

/**
 * A request as it was made.
 * @param method of `Iommufd`, whose request it is.
 * @throws {TypeError} when it has a name that there is not.
 */
export function checked<T extends object>(method: keyof typeof NAMES, request: T): T {
  checkNames(request, NAMES[method], method);
  return request;
}

/** The same for driver data, which may be left out. */
export function checkedData(data: DriverData | undefined): DriverData | undefined {
  if (data) checkNames(data, DATA, 'data');
  return data;
}
