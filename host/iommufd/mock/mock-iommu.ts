// SPDX-License-Identifier: MIT
// An IOMMU without hardware, like the mock driver of Linux's iommufd selftests
// (drivers/iommu/iommufd/selftest.c): it records what it is told and counts its objects,
// so that the object model can be tested on its own.

import { callback, instanceOf, nonEmpty } from '../../../devices/plugin/option-kinds.ts';
import {
  type DirectPage,
  FaultGroups,
  type FaultSink,
  type HwInfo,
  type HwQueueDriver,
  type HwQueueRequest,
  type InvalidateRequest,
  type InvalidateResult,
  type Iommu,
  type IommuDevice,
  IommufdError,
  type NestedDomain,
  type NestedRequest,
  OPEN_GATE,
  PAGE_SIZE,
  type PageFault,
  type PagingDomain,
  type PagingRequest,
  type ResourceGate,
  type VdeviceDriver,
  type ViommuDriver,
  type ViommuRequest,
} from '../index.ts';
import { require } from '../iommufd-error.ts';
import { atOnce, invalidateEach, oneByOne } from './mock-invalidations.ts';

/** Type of `hwInfo` of a mock device. */
export const MOCK_HW_INFO_TYPE = 0xfeedbeef;
/** Type of the data of a nested HWPT. */
export const MOCK_HWPT_DATA = 0xdead;
/** Type of a mock vIOMMU. */
export const MOCK_VIOMMU_TYPE = 0xdeadbeef;
/** Type of a hardware queue. */
export const MOCK_HW_QUEUE_TYPE = 0xdeadbeef;
/** Type of an event queue of a vIOMMU. */
export const MOCK_VEVENTQ_TYPE = 0xbeefdead;
/** Hardware queues of a mock vIOMMU. */
export const MOCK_HW_QUEUES = 2;
/** Entries of a nested domain's IOTLB, and of a device's cache. */
export const MOCK_CACHE_ENTRIES = 4;
/**
 * Bytes of an invalidation of a nested HWPT {flags, IOTLB entry}, and of a vIOMMU {flags,
 * virtual ID, cache entry}.
 */
export const MOCK_HWPT_INVALIDATION_SIZE = 8;
/** Bytes of an invalidation of a vIOMMU. */
export const MOCK_VIOMMU_INVALIDATION_SIZE = 12;
/** Flag of an invalidation: every entry. */
export const MOCK_INVALIDATE_ALL = 1;
/** Smaller than the host's page, as in Linux's mock. */
const MOCK_PAGE_SIZE = PAGE_SIZE / 2;

/** Objects of the mock driver, by kind. */
export interface MockCounts {
  readonly pagingDomains: number;
  readonly nestedDomains: number;
  readonly viommus: number;
  readonly vdevices: number;
  readonly hwQueues: number;
}

/** Clears one entry of a cache, or all. */
function clear(cache: number[], flags: number, index: number): void {
  require((flags & ~MOCK_INVALIDATE_ALL) === 0, 'EOPNOTSUPP', 'unknown flags');
  require(index < MOCK_CACHE_ENTRIES, 'EINVAL', `there is no cache entry ${index}`);
  if (flags & MOCK_INVALIDATE_ALL) cache.fill(0);
  else cache[index] = 0;
}

/** A device of a `MockIommu`. */
export class MockDevice implements IommuDevice {
  readonly name: string;
  readonly iommu: MockIommu;
  claimed = false;
  /** The cache that invalidations by virtual ID clear. */
  readonly cache = Array.from({ length: MOCK_CACHE_ENTRIES }, (_, i) => i + 1);
  /** Its current domain; undefined while it is blocked. */
  domain: MockPagingDomain | MockNestedDomain | undefined;
  /** Its vDEVICE. */
  vdevice: MockVdevice | undefined;
  readonly faultGroups = new FaultGroups();

  /**
   * @throws {TypeError} when the name is not a string, or the IOMMU not a `MockIommu`.
   */
  constructor(name: string, iommu: MockIommu) {
    nonEmpty(name, 'MockDevice', 'name');
    instanceOf(MockIommu, 'a MockIommu')(iommu, 'MockDevice', 'iommu');
    this.name = name;
    this.iommu = iommu;
  }
}

function mockDevice(device: IommuDevice): MockDevice {
  require(device instanceof MockDevice, 'EINVAL', `${device.name} is not a mock device`);
  return device;
}

/** The driver's part of a paging HWPT of a `MockIommu`: a map of IOVAs. */
export class MockPagingDomain implements PagingDomain {
  readonly pageSize = MOCK_PAGE_SIZE;
  readonly lastIova = 2n ** 63n - 1n;
  /** Physical address of each page that is mapped. */
  readonly pages = new Map<bigint, number>();
  readonly faults: FaultSink | undefined;
  readonly #iommu: MockIommu;

  constructor(iommu: MockIommu, faults: FaultSink | undefined) {
    this.#iommu = iommu;
    this.faults = faults;
    iommu.count('pagingDomains', 1);
  }

  map(iova: bigint, pa: number, length: bigint): void {
    this.#iommu.gate('allocation', 'mock page table');
    for (let at = 0; at < length; at += MOCK_PAGE_SIZE) this.pages.set(iova + BigInt(at), pa + at);
  }

  unmap(iova: bigint, length: bigint): void {
    for (let at = 0n; at < length; at += BigInt(MOCK_PAGE_SIZE)) this.pages.delete(iova + at);
  }

  attach(device: IommuDevice): void {
    const mock = mockDevice(device);
    require(mock.iommu === this.#iommu, 'EINVAL', `${device.name} is behind another IOMMU`);
    mock.domain = this;
    mock.faultGroups.sink = this.faults;
  }

  destroy(): void {
    this.#iommu.count('pagingDomains', -1);
  }
}

/** The driver's part of a nested HWPT of a `MockIommu`: a small IOTLB to invalidate. */
export class MockNestedDomain implements NestedDomain {
  readonly iotlb: number[];
  readonly faults: FaultSink | undefined;
  readonly #iommu: MockIommu;
  /** Its vIOMMU; undefined when its parent is a paging domain. */
  readonly #viommu: MockViommu | undefined;

  constructor(iommu: MockIommu, request: NestedRequest, viommu?: MockViommu) {
    const { data } = request;
    require(request.flags === 0, 'EOPNOTSUPP', 'unknown flags');
    require(data.type === MOCK_HWPT_DATA &&
      data.bytes.length === 4, 'EINVAL', 'not the data of a mock HWPT');
    iommu.gate('allocation', 'mock nested domain');
    this.#iommu = iommu;
    this.#viommu = viommu;
    this.faults = request.faults;
    const value = new DataView(data.bytes.buffer, data.bytes.byteOffset).getUint32(0, true);
    this.iotlb = Array.from({ length: MOCK_CACHE_ENTRIES }, () => value);
    iommu.count('nestedDomains', 1);
  }

  attach(device: IommuDevice): void {
    const mock = mockDevice(device);
    require(!this.#viommu ||
      mock.vdevice?.viommu ===
        this.#viommu, 'ENOENT', `${device.name} is not a vDEVICE of the vIOMMU`);
    mock.domain = this;
    mock.faultGroups.sink = this.faults;
  }

  invalidate(request: InvalidateRequest): InvalidateResult {
    const entries = () => oneByOne(request, MOCK_HWPT_INVALIDATION_SIZE);
    return invalidateEach(request, entries, (entry) =>
      clear(this.iotlb, entry.getUint32(0, true), entry.getUint32(4, true)),
    );
  }

  destroy(): void {
    this.#iommu.count('nestedDomains', -1);
  }
}

class MockVdevice implements VdeviceDriver {
  readonly viommu: MockViommu;
  readonly virtId: number;
  readonly device: MockDevice;

  constructor(viommu: MockViommu, device: MockDevice, virtId: number) {
    viommu.iommu.gate('allocation', 'mock vDEVICE');
    this.viommu = viommu;
    this.virtId = virtId;
    this.device = device;
    device.vdevice = this;
    viommu.vdevices.set(virtId, this);
    viommu.iommu.count('vdevices', 1);
  }

  destroy(): void {
    this.device.vdevice = undefined;
    this.viommu.vdevices.delete(this.virtId);
    this.viommu.iommu.count('vdevices', -1);
  }
}

class MockPage implements DirectPage {
  readonly length = PAGE_SIZE;
  readonly #words = new Uint32Array(PAGE_SIZE / 4);

  read32(offset: number): number {
    return this.#words[offset >> 2] ?? 0;
  }
  write32(offset: number, value: number): void {
    this.#words[offset >> 2] = value;
  }
  placeInGuest(): void {
    throw new IommufdError('EOPNOTSUPP', 'a mock page has no guest');
  }
  takeFromGuest(): void {
    this.placeInGuest();
  }
}

class MockViommu implements ViommuDriver {
  readonly iommu: MockIommu;
  /** A copy of the caller's data, as in Linux's mock. */
  readonly #answer: Uint8Array;
  readonly directPage = new MockPage();
  readonly vdevices = new Map<number, MockVdevice>();
  readonly #queues: (HwQueueDriver | undefined)[] = Array.from(
    { length: MOCK_HW_QUEUES },
    () => undefined,
  );
  readonly #events: ViommuRequest['events'];

  constructor(iommu: MockIommu, request: ViommuRequest) {
    iommu.gate('allocation', 'mock vIOMMU');
    this.iommu = iommu;
    this.#answer = (request.data ?? new Uint8Array()).slice();
    this.#events = request.events;
    iommu.count('viommus', 1);
  }

  answer(): Uint8Array {
    return this.#answer;
  }

  allocNested(request: NestedRequest): NestedDomain {
    return new MockNestedDomain(this.iommu, request, this);
  }

  allocVdevice(device: IommuDevice, virtId: bigint): VdeviceDriver {
    require(virtId < 2n ** 32n, 'EINVAL', 'a mock virtual ID has 32 bits');
    return new MockVdevice(this, mockDevice(device), Number(virtId));
  }

  invalidate(request: InvalidateRequest): InvalidateResult {
    const entries = () => atOnce(request, MOCK_VIOMMU_INVALIDATION_SIZE);
    return invalidateEach(request, entries, (entry) => {
      const virtId = entry.getUint32(4, true);
      const vdevice = this.vdevices.get(virtId);
      const flags = entry.getUint32(0, true);
      require((flags & ~MOCK_INVALIDATE_ALL) === 0, 'EOPNOTSUPP', 'unknown flags');
      require(vdevice !== undefined, 'EINVAL', `there is no vDEVICE ${virtId}`);
      clear(vdevice.device.cache, flags, entry.getUint32(8, true));
    });
  }

  readonly hwQueues = {
    checkType: (type: number) =>
      require(type === MOCK_HW_QUEUE_TYPE, 'EOPNOTSUPP', `there are no HW queues of type ${type}`),
    allocate: ({ index }: HwQueueRequest): HwQueueDriver => {
      require(index < MOCK_HW_QUEUES, 'EINVAL', `there is no HW queue ${index}`);
      require(this.#queues[index] === undefined, 'EEXIST', `HW queue ${index} is in use`);
      const dependsOn = this.#queues[index - 1];
      require(index === 0 ||
        dependsOn !== undefined, 'EIO', `HW queue ${index - 1} must be allocated first`);
      this.iommu.gate('allocation', 'mock HW queue');
      const queue = {
        dependsOn,
        destroy: () => {
          this.#queues[index] = undefined;
          this.iommu.count('hwQueues', -1);
        },
      };
      this.#queues[index] = queue;
      this.iommu.count('hwQueues', 1);
      return queue;
    },
  };

  /**
   * Reports an event of the hardware for a virtual ID. False when no queue accepts it.
   */
  event(virtId: number): boolean {
    const payload = new Uint8Array(4);
    new DataView(payload.buffer).setUint32(0, virtId, true);
    return this.#events(MOCK_VEVENTQ_TYPE, payload);
  }

  destroy(): void {
    this.iommu.count('viommus', -1);
  }
}

/**
 * An IOMMU without hardware, modelled on Linux's selftest driver: to test the layers
 * above the object model.
 */
export class MockIommu implements Iommu {
  readonly name: string;
  readonly gate: ResourceGate;
  #counts: { -readonly [field in keyof MockCounts]: number } = {
    pagingDomains: 0,
    nestedDomains: 0,
    viommus: 0,
    vdevices: 0,
    hwQueues: 0,
  };

  /** @throws {TypeError} when the name is not a string, or the gate not a function. */
  constructor(name = 'mock', gate: ResourceGate = OPEN_GATE) {
    nonEmpty(name, 'MockIommu', 'name');
    callback(gate, 'MockIommu', 'gate');
    this.name = name;
    this.gate = gate;
  }

  /** The number of objects of each kind. */
  get counts(): MockCounts {
    return { ...this.#counts };
  }

  /** Counts objects that a part of the driver creates or destroys. */
  count(kind: keyof MockCounts, change: number): void {
    this.#counts[kind] += change;
  }

  hwInfo(_device: IommuDevice, type: number): HwInfo {
    require(type === 0 ||
      type === MOCK_HW_INFO_TYPE, 'EOPNOTSUPP', `there is no information of type ${type}`);
    this.gate('memory access', 'hardware information');
    return { type: MOCK_HW_INFO_TYPE, bytes: Uint8Array.of(0, 0, 0, 0, 0xef, 0xbe, 0xad, 0xde) };
  }

  block(device: IommuDevice): void {
    const mock = mockDevice(device);
    mock.domain = undefined;
    mock.faultGroups.sink = undefined;
  }

  /** HWPT_ALLOC of a paging HWPT: driver data, nesting and faults follow Linux's mock. */
  allocPaging({ data, nestParent, faults }: PagingRequest): PagingDomain {
    require(data === undefined, 'EOPNOTSUPP', 'a mock paging HWPT takes no data');
    require(!(nestParent && faults), 'EOPNOTSUPP', 'a nest parent has no fault queue');
    this.gate('allocation', 'mock paging domain');
    return new MockPagingDomain(this, faults);
  }

  allocNested(_parent: PagingDomain, request: NestedRequest): NestedDomain {
    return new MockNestedDomain(this, request);
  }

  /** Throws unless VIOMMU_ALLOC has this type. */
  checkViommuType(_device: IommuDevice, type: number): void {
    require(type === MOCK_VIOMMU_TYPE, 'EOPNOTSUPP', `there are no vIOMMUs of type ${type}`);
  }

  allocViommu(request: ViommuRequest): ViommuDriver {
    return new MockViommu(this, request);
  }

  /** Reports an event of the hardware for a device. False when no queue accepts it. */
  triggerEvent(device: MockDevice): boolean {
    return device.vdevice?.viommu.event(device.vdevice.virtId) ?? false;
  }

  /**
   * Reports a page fault of the device. The last fault of a group (PGFAULT_LAST_PAGE)
   * gets an answer for the whole group. False when nothing accepts it.
   */
  triggerFault(device: MockDevice, fault: PageFault, answer: (code: number) => void): boolean {
    return device.faultGroups.report(fault, answer, device);
  }
}
