// SPDX-License-Identifier: MIT
// The names in requests and the types of their values. Linux's structures cannot have
// other names; a JavaScript object can.

import { checkNames } from '../../devices/plugin/known-names.ts';
import { checkList } from '../../devices/plugin/known-values.ts';
import {
  bigUint,
  callback,
  checkedLater,
  checkOptions,
  eitherOf,
  flag,
  having,
  instanceOf,
  type OptionKinds,
  uint,
} from '../../devices/plugin/option-kinds.ts';
import type { DriverData, InvalidateQueueRequest, InvalidateRequest } from './driver.ts';
import type { IovaRange, MapRequest } from './ioas.ts';
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

const KINDS = {
  Iommufd: {
    gate: callback,
  } satisfies OptionKinds<IommufdOptions>,
  ioasMap: {
    iova: bigUint,
    length: bigUint,
    memory: having('physical'),
    address: uint,
    readable: flag,
    writable: flag,
  } satisfies OptionKinds<MapRequest>,
  ioasAllowIovas: {
    start: bigUint,
    last: bigUint,
  } satisfies OptionKinds<IovaRange>,
  hwptAlloc: {
    device: uint,
    parent: uint,
    nestParent: flag,
    dirtyTracking: flag,
    fault: uint,
    data: checkedLater,
  } satisfies OptionKinds<HwptRequest>,
  viommuAlloc: {
    device: uint,
    hwpt: uint,
    type: uint,
    flags: uint,
    data: instanceOf(Uint8Array, 'a Uint8Array'),
    vm: having(),
  } satisfies OptionKinds<ViommuAllocRequest>,
  mmap: {
    shared: flag,
    executable: flag,
  } satisfies OptionKinds<MmapHow>,
  vdeviceAlloc: {
    viommu: uint,
    device: uint,
    virtId: bigUint,
  } satisfies OptionKinds<VdeviceRequest>,
  faultQueueAlloc: {
    viommu: uint,
  } satisfies OptionKinds<FaultQueueRequest>,
  veventqAlloc: {
    viommu: uint,
    type: uint,
    depth: uint,
    flags: uint,
  } satisfies OptionKinds<VeventqRequest>,
  hwQueueAlloc: {
    viommu: uint,
    type: uint,
    index: uint,
    iova: bigUint,
    length: bigUint,
    flags: uint,
  } satisfies OptionKinds<HwQueueAllocRequest>,
  hwptInvalidate: {
    dataType: uint,
    entryLength: uint,
    entries: instanceOf(Uint8Array, 'a Uint8Array'),
    count: uint,
  } satisfies OptionKinds<InvalidateRequest>,
  hwptInvalidateQueue: {
    queue: uint,
    base: eitherOf((base) => base instanceof Uint8Array, bigUint),
    // The driver answers EINVAL: only it knows the valid sizes.
    log2size: checkedLater,
    head: uint,
    tail: uint,
  } satisfies OptionKinds<InvalidateQueueRequest>,
};
const DATA: OptionKinds<DriverData> = {
  type: uint,
  bytes: instanceOf(Uint8Array, 'a Uint8Array'),
};

/**
 * Checks a request and returns it unchanged.
 * @param method the method of `Iommufd` that gets the request.
 * @throws {TypeError | RangeError} when it has an unknown name, or a value that the field
 *   cannot have.
 */
export function checked<T extends object>(method: keyof typeof KINDS, request: T): T {
  checkOptions<T>(request, KINDS[method] as OptionKinds<T>, method);
  return request;
}

/** @throws {TypeError | RangeError} unless both numbers are non-negative bigints. */
export function checkedRange(iova: bigint, length: bigint): [iova: bigint, length: bigint] {
  bigUint(iova, 'ioasUnmap', 'iova');
  bigUint(length, 'ioasUnmap', 'length');
  return [iova, length];
}

/** @throws {TypeError | RangeError} when they are not a list of ranges of IOVAs. */
export function checkedRanges(ranges: readonly IovaRange[]): readonly IovaRange[] {
  checkList(ranges, 'ioasAllowIovas: ranges');
  for (const range of ranges) checked('ioasAllowIovas', range);
  return ranges;
}

/**
 * @throws {TypeError | RangeError} when the place of a direct page is not two
 *   non-negative integers.
 */
export function checkedPlace(offset: number, length: number): [offset: number, length: number] {
  uint(offset, 'mmap', 'offset');
  uint(length, 'mmap', 'length');
  return [offset, length];
}

const QUEUE_NAMES = Object.keys(KINDS.hwptInvalidateQueue);

/**
 * `checked` for the request that is made for each batch of a guest: its values are
 * compared in place.
 */
export function checkedQueue(request: InvalidateQueueRequest): InvalidateQueueRequest {
  const { queue = 0, base, head, tail } = request;
  const isIndex = (value: unknown) => Number.isInteger(value) && Number(value) >= 0;
  const hasBase = typeof base === 'bigint' ? base >= 0n : base instanceof Uint8Array;
  if (!hasBase || !isIndex(queue) || !isIndex(head) || !isIndex(tail))
    return checked('hwptInvalidateQueue', request);
  checkNames(request, QUEUE_NAMES, 'hwptInvalidateQueue');
  return request;
}

/** `checked` for driver data, which may be absent. */
export function checkedData(data: DriverData | undefined): DriverData | undefined {
  if (data !== undefined) checkOptions(data, DATA, 'data');
  return data;
}
