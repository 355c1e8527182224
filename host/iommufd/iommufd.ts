// SPDX-License-Identifier: MIT
// An open iommufd: one method for each request of Linux's /dev/iommu, with the same
// dependencies and errors. docs/iommufd.md has the tables.

import { checkInteger } from '../../devices/plugin/known-values.ts';
import { Attachments } from './attachments.ts';
import { BoundDevice } from './bound-device.ts';
import { DirectMappings } from './direct-mappings.ts';
import type {
  InvalidateQueueRequest,
  InvalidateQueueResult,
  InvalidateRequest,
  InvalidateResult,
  IommuDevice,
} from './driver.ts';
import { FaultQueue, Veventq } from './event-files.ts';
import { OPEN_GATE, type ResourceGate } from './gate.ts';
import { NestedHwpt, PagingHwpt } from './hwpt.ts';
import { Ioas, type IovaRange, type IovaRanges, type MapRequest } from './ioas.ts';
import { IommufdError, require } from './iommufd-error.ts';
import { nestedHwpt, pagingHwpt } from './make-hwpt.ts';
import { type IommufdObject, ObjectTable } from './object.ts';
import {
  checked,
  checkedData,
  checkedPlace,
  checkedQueue,
  checkedRange,
  checkedRanges,
} from './request-names.ts';
import type {
  DeviceInfo,
  FaultQueueAllocation,
  FaultQueueRequest,
  HwptRequest,
  HwQueueAllocRequest,
  IommufdOptions,
  MmapHow,
  ObjectDescription,
  VdeviceRequest,
  VeventqRequest,
  ViommuAllocation,
  ViommuAllocRequest,
} from './requests.ts';
import {
  DATA_NONE,
  HW_INFO_TYPE_DEFAULT,
  MAX_INVALIDATIONS,
  MAX_VEVENTQ_DEPTH,
  PAGE_SIZE,
  TYPE_DEFAULT,
  VIOMMU_FLAG_BTM,
} from './uapi.ts';
import { allOrNothing } from './undo.ts';
import { Vdevice } from './vdevice.ts';
import { HwQueue, type MappedPage, Viommu } from './viommu.ts';

/** Most bytes that a caller may offer to GET_HW_INFO; no IOMMU has as many. */
const MAX_ROOM = 2 ** 20;

/**
 * An open iommufd: objects by ID, one method for each request. Each method throws an
 * `IommufdError` where Linux refuses a request, and a `TypeError` for a request with an
 * unknown name.
 *
 * @example
 * ```js
 * import { Iommufd } from 'vsmmu/iommufd';
 * import { MockDevice, MockIommu } from 'vsmmu/iommufd/mock';
 *
 * const fd = new Iommufd();
 * const device = fd.bind(new MockDevice('nic', new MockIommu()));
 * const hwpt = fd.hwptAlloc({ device, parent: fd.ioasAlloc() });
 * fd.attach(device, hwpt);
 * for (const { id, type, users, keeps } of fd.describe()) console.log(id, type, users, keeps);
 * fd.close();
 * ```
 */
export class Iommufd {
  readonly #gate: ResourceGate;
  readonly #objects: ObjectTable;
  readonly #attachments: Attachments;
  readonly #mappings: DirectMappings;
  #nextMmapOffset = PAGE_SIZE;
  #closed = false;

  constructor(options: IommufdOptions = {}) {
    const { gate = OPEN_GATE } = checked('Iommufd', options);
    this.#gate = gate;
    this.#objects = new ObjectTable(gate);
    this.#attachments = new Attachments(this.#objects, gate);
    this.#mappings = new DirectMappings(gate);
  }

  #create<T extends IommufdObject>(make: () => T): T {
    require(!this.#closed, 'EBADF', 'the iommufd is closed');
    return this.#objects.create(make);
  }

  /** Binds a device (VFIO's bind), blocked until it is attached. @returns its ID. */
  bind(device: IommuDevice): number {
    const { id } = this.#create(() => new BoundDevice(device, this.#gate));
    device.objectId = id;
    return id;
  }

  /** Unbinds a device and destroys its vDEVICE, whose ID then names nothing. */
  unbind(id: number): void {
    const device = this.#objects.get(id, BoundDevice);
    this.#attachments.detach(device);
    if (device.vdevice) this.#objects.bury(device.vdevice);
    device.users--;
    this.#objects.destroy(id);
  }

  /** IOMMU_DESTROY: EBUSY while something uses the object. */
  destroy(id: number): void {
    this.#objects.destroy(id);
  }

  /** IOMMU_IOAS_ALLOC. Returns the ID. */
  ioasAlloc(): number {
    return this.#create(() => new Ioas(this.#gate)).id;
  }

  /** IOMMU_IOAS_MAP. Returns the iova. */
  ioasMap(id: number, request: MapRequest): bigint {
    return this.#objects.get(id, Ioas).map(checked('ioasMap', request));
  }

  /** IOMMU_IOAS_UNMAP of whole areas. Returns their length in bytes. */
  ioasUnmap(id: number, iova: bigint, length: bigint): bigint {
    return this.#objects.get(id, Ioas).unmap(...checkedRange(iova, length));
  }

  /** IOMMU_IOAS_IOVA_RANGES: all ranges, regardless of their number. */
  ioasIovaRanges(id: number): IovaRanges {
    return this.#objects.get(id, Ioas).iovaRanges();
  }

  /** IOMMU_IOAS_ALLOW_IOVAS: replaces the ranges in which `ioasMap` chooses IOVAs. */
  ioasAllowIovas(id: number, ranges: readonly IovaRange[]): void {
    this.#objects.get(id, Ioas).allow(checkedRanges(ranges));
  }

  /**
   * IOMMU_GET_HW_INFO: the identity of a device's IOMMU and the capabilities of both.
   * @param type IOMMU_HW_INFO_TYPE_*, 0 for the default.
   * @param room size of the caller's buffer in bytes: longer information is truncated,
   *   and the rest of a longer buffer is zero. Default: the `length` of the answer.
   */
  hwInfo(device: number, type = HW_INFO_TYPE_DEFAULT, room?: number): DeviceInfo {
    const bound = this.#objects.get(device, BoundDevice);
    const info = bound.device.iommu.hwInfo(bound.device, type);
    const { length } = info.bytes;
    if (room !== undefined) checkInteger(room, 0, MAX_ROOM, 'hwInfo: room');
    const bytes = new Uint8Array(room ?? length);
    bytes.set(info.bytes.subarray(0, bytes.length));
    const { capabilities = 0, maxPasidLog2 = 0 } = bound.device;
    return { type: info.type, bytes, length, capabilities, maxPasidLog2 };
  }

  /** IOMMU_HWPT_ALLOC. Returns the ID. */
  hwptAlloc(request: HwptRequest): number {
    const { nestParent = false, dirtyTracking = false, fault } = checked('hwptAlloc', request);
    const data = checkedData(request.data);
    require((data?.type ?? DATA_NONE) === DATA_NONE
      ? !data?.bytes.length
      : !!data?.bytes.length, 'EINVAL', 'driver data and its type must be given together');
    const { device } = this.#objects.get(request.device, BoundDevice);
    const parent = this.#objects.find(request.parent);
    require(parent !== undefined, 'EINVAL', `there is no object ${request.parent}`);
    require(!(nestParent && fault !== undefined), 'EOPNOTSUPP', 'a nest parent has no fault queue');
    const named = fault === undefined ? undefined : this.#objects.find(fault);
    const ofParent = parent instanceof Viommu ? parent.faultQueue : undefined;
    const faults = named instanceof FaultQueue ? named : ofParent;
    return this.#create(() =>
      allOrNothing((undo) => {
        this.#gate('allocation', 'HWPT');
        const made =
          parent instanceof Ioas
            ? pagingHwpt({ device, ioas: parent, nestParent, dirtyTracking, data, faults }, undo)
            : nestedHwpt({ device, parent, nestParent, dirtyTracking, data, faults }, undo);
        // Linux looks up the fault queue last (iommufd_hwpt_alloc).
        if (fault !== undefined) this.#objects.get(fault, FaultQueue);
        return made;
      }),
    ).id;
  }

  /**
   * Attaches a device to a HWPT; or to an IOAS, by an automatic HWPT. That is created if
   * none fits, cannot have a vIOMMU, and is destroyed with its last device.
   * @returns ID of the HWPT.
   */
  attach(device: number, to: number): number {
    return this.#attachments.attach(this.#objects.get(device, BoundDevice), to);
  }

  /** Attaches a device elsewhere, never blocked in between. @returns ID of the HWPT. */
  replace(device: number, to: number): number {
    return this.#attachments.replace(this.#objects.get(device, BoundDevice), to);
  }

  /** Detaches a device, which is then blocked. */
  detach(device: number): void {
    this.#attachments.detach(this.#objects.get(device, BoundDevice));
  }

  /** ID of the HWPT that a device is attached to. */
  attachedTo(device: number): number | undefined {
    return this.#objects.get(device, BoundDevice).hwpt?.id;
  }

  /** IOMMU_VIOMMU_ALLOC. The vIOMMU keeps a reference to `vm`, its VM. */
  viommuAlloc(request: ViommuAllocRequest): ViommuAllocation {
    const { type, data, vm, flags = 0 } = checked('viommuAlloc', request);
    require(type !== TYPE_DEFAULT &&
      (flags & ~VIOMMU_FLAG_BTM) ===
        0, 'EOPNOTSUPP', 'a vIOMMU needs a type, and has no such flags');
    const { device } = this.#objects.get(request.device, BoundDevice);
    const unknown = flags & ~(device.iommu.viommuFlags ?? 0);
    require(unknown ===
      0, 'EOPNOTSUPP', `${device.iommu.name} has no vIOMMUs with flags 0x${unknown.toString(16)}`);
    device.iommu.checkViommuType(device, type);
    const parent = this.#objects.get(request.hwpt, PagingHwpt);
    require(parent.nestParent, 'EINVAL', `HWPT ${parent.id} is not a nest parent`);
    const viommu = this.#create(() => {
      this.#gate('allocation', 'vIOMMU');
      let made: Viommu | undefined;
      const events = (eventType: number, payload: Uint8Array) => {
        const queue = made?.eventQueues.get(eventType);
        queue?.report(payload);
        return queue !== undefined;
      };
      const driver = device.iommu.allocViommu({
        device,
        parent: parent.domain,
        type,
        flags,
        data,
        vm,
        events,
      });
      const mmapOffset = this.#nextMmapOffset;
      this.#nextMmapOffset += driver.directPage?.length ?? 0;
      made = new Viommu({ iommu: device.iommu, parent, driver, viommuType: type, vm, mmapOffset });
      return made;
    });
    const { mmapArea } = viommu;
    return { id: viommu.id, mmap: mmapArea, answer: viommu.driver.answer?.(mmapArea) };
  }

  /** Maps a vIOMMU's direct page. The vIOMMU cannot be destroyed until `unmap`. */
  mmap(offset: number, length: number, how: MmapHow = {}): MappedPage {
    const viommus = this.#objects.objects.filter((object) => object instanceof Viommu);
    return this.#mappings.map(viommus, ...checkedPlace(offset, length), checked('mmap', how));
  }

  /** IOMMU_VDEVICE_ALLOC: the virtual ID of a device in a VM. Returns the ID. */
  vdeviceAlloc(request: VdeviceRequest): number {
    const viommu = this.#objects.get(checked('vdeviceAlloc', request).viommu, Viommu);
    const bound = this.#objects.get(request.device, BoundDevice);
    require(bound.device.iommu ===
      viommu.iommu, 'EINVAL', `${bound.device.name} is behind another IOMMU than the vIOMMU`);
    require(bound.vdevice === undefined, 'EEXIST', `${bound.device.name} is a vDEVICE already`);
    require(!viommu.vdevices.has(
      request.virtId,
    ), 'EEXIST', `the virtual ID ${request.virtId} is in use`);
    return this.#create(() => {
      this.#gate('allocation', 'vDEVICE');
      return new Vdevice(
        viommu,
        bound,
        request.virtId,
        viommu.driver.allocVdevice(bound.device, request.virtId),
      );
    }).id;
  }

  /**
   * @returns the ID, and the queue's file. The type is not checked: events of a type that
   *   the vIOMMU does not have never arrive.
   */
  veventqAlloc(request: VeventqRequest): { readonly id: number; readonly file: Veventq } {
    const { type, depth } = checked('veventqAlloc', request);
    require((request.flags ?? 0) === 0 &&
      type !==
        TYPE_DEFAULT, 'EOPNOTSUPP', `there are no vEVENTQs of type ${type} with these flags`);
    require(depth >= 1 &&
      depth <= MAX_VEVENTQ_DEPTH, 'EINVAL', `a vEVENTQ has 1 to ${MAX_VEVENTQ_DEPTH} events`);
    const viommu = this.#objects.get(request.viommu, Viommu);
    require(!viommu.eventQueues.has(type), 'EEXIST', `the vIOMMU has a vEVENTQ of type ${type}`);
    const file = this.#create(() => new Veventq(viommu, type, depth, this.#gate));
    return { id: file.id, file };
  }

  /**
   * IOMMU_FAULT_QUEUE_ALLOC; with `viommu`, for later HWPTs on it. Returns ID and file.
   */
  faultQueueAlloc(request: FaultQueueRequest = {}): FaultQueueAllocation {
    const { viommu } = checked('faultQueueAlloc', request);
    const owner = viommu === undefined ? undefined : this.#objects.get(viommu, Viommu);
    require(!owner?.faultQueue, 'EEXIST', 'the vIOMMU has a fault queue');
    const file = this.#create(() => new FaultQueue(this.#gate, owner));
    return { id: file.id, file };
  }

  /** Gives a hardware queue to a vIOMMU's guest and pins its ring. Returns the ID. */
  hwQueueAlloc(request: HwQueueAllocRequest): number {
    const { type, index, iova, length } = checked('hwQueueAlloc', request);
    require((request.flags ?? 0) === 0 &&
      type !==
        TYPE_DEFAULT, 'EOPNOTSUPP', `there are no HW queues of type ${type} with these flags`);
    require(length > 0n, 'EINVAL', 'the length of a HW queue is 0');
    require(iova + length <= 2n ** 64n, 'EOVERFLOW', 'the ring leaves the address space');
    const viommu = this.#objects.get(request.viommu, Viommu);
    const { hwQueues } = viommu.driver;
    require(hwQueues !== undefined, 'EOPNOTSUPP', 'the vIOMMU has no HW queues');
    hwQueues.checkType(type);
    return this.#create(() =>
      allOrNothing((undo) => {
        this.#gate('allocation', 'HW queue');
        const ring = viommu.parent.ioas.pin(iova, length);
        undo.add(() => ring.unpin());
        const driver = hwQueues.allocate({ type, index, basePa: ring.pa, length: Number(length) });
        const queue = new HwQueue(viommu, index, driver, ring);
        const below = this.#objects.objects.find(
          (object) => object instanceof HwQueue && object.driver === driver.dependsOn,
        );
        if (below) queue.keep(below);
        return queue;
      }),
    ).id;
  }

  /**
   * Invalidates by commands in the hardware's own format, on a vIOMMU or, where the IOMMU
   * supports it, on a nested HWPT.
   * @returns entries that were carried out: all of them.
   * @throws {IommufdError} with the number of entries carried out before the one that
   *   failed.
   */
  hwptInvalidate(id: number, request: InvalidateRequest): number {
    const { entryLength, count, entries } = checked('hwptInvalidate', request);
    // Without entries, neither their length nor their bytes are checked.
    if (count > 0) {
      const there = entryLength > 0 && entries.length >= count * entryLength;
      require(there, 'EINVAL', 'not enough bytes for the entries');
      const few = count <= MAX_INVALIDATIONS && entryLength <= PAGE_SIZE;
      require(few, 'EINVAL', `${count} entries of ${entryLength} bytes are too many`);
    }
    const object = this.#objects.find(id);
    require(object !== undefined, 'ENOENT', `there is no object ${id}`);
    require(object instanceof Viommu ||
      object instanceof NestedHwpt, 'EINVAL', `a ${object.type} cannot be invalidated`);
    this.#gate('memory access', 'invalidation entries');
    let result: InvalidateResult | undefined;
    if (object instanceof Viommu) result = object.driver.invalidate?.(request);
    else result = object.domain.invalidate?.(request);
    require(result !==
      undefined, 'EOPNOTSUPP', `a ${object.type} of this IOMMU takes no invalidations`);
    if (result.error)
      throw new IommufdError(result.error.errno, result.error.reason, result.handled);
    return result.handled;
  }

  /** Invalidates by a queue in guest memory, up to its tail or a stopping command. */
  hwptInvalidateQueue(id: number, request: InvalidateQueueRequest): InvalidateQueueResult {
    const viommu = this.#objects.get(id, Viommu);
    const result = viommu.driver.invalidateQueue?.(checkedQueue(request));
    require(result !== undefined, 'EOPNOTSUPP', 'this vIOMMU takes no queues');
    return result;
  }

  /** All objects, in order of ID. */
  describe(): ObjectDescription[] {
    return this.#objects.objects
      .map((object) => ({
        id: object.id,
        type: object.type,
        users: object.users,
        keeps: object.keeps.map(({ id }) => id),
        details: object.describe(),
      }))
      .sort((a, b) => a.id - b.id);
  }

  /** Closes the iommufd: mappings and event files, then devices, then the rest. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#mappings.unmapAll();
    for (const object of this.#objects.objects) {
      if (object instanceof Veventq || object instanceof FaultQueue) object.closeFile();
      else if (object instanceof BoundDevice) this.unbind(object.id);
    }
    this.#objects.destroyAll();
  }
}
