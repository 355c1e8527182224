// SPDX-License-Identifier: MIT
// The interfaces that an IOMMU's driver implements below the object model. Nothing here
// is specific to a vendor: types and driver data are numbers and bytes that only the
// driver interprets, as in Linux's uAPI (include/uapi/linux/iommufd.h).

import type { IommufdError } from './iommufd-error.ts';

/** A range of IOVAs that no IOAS may map for a device (iommu_get_resv_regions). */
export interface ReservedRegion {
  readonly iova: bigint;
  /** Bytes. */
  readonly length: bigint;
  /**
   * Physical address of the MSI doorbells that are mapped at this range
   * (IOMMU_RESV_SW_MSI).
   */
  readonly doorbells: number;
}

/** A device as its IOMMU's driver sees it. */
export interface IommuDevice {
  readonly name: string;
  /** The IOMMU that translates its accesses. */
  readonly iommu: Iommu;
  /** DMA ownership: true while an iommufd has the device bound. */
  claimed: boolean;
  /**
   * ID of the device in that iommufd, for records about it. Absent in drivers that have
   * no such records.
   */
  objectId?: number | undefined;
  /** Default none. */
  readonly reservedRegions?: readonly ReservedRegion[] | undefined;
  /** HW_CAP_* of the device and its IOMMU combined. Default none. */
  readonly capabilities?: number | undefined;
  /** Width of its PASIDs in bits, 0 when it has none. Default 0. */
  readonly maxPasidLog2?: number | undefined;
}

/** A VM to which a vIOMMU keeps a reference (KVM's struct kvm). */
export interface VmHandle {
  readonly name: string;
  /** Acquires a reference. The VM is not destroyed while there are any. */
  get(): void;
  /** Releases a reference. */
  put(): void;
}

/** Memory of the process that maps it: the backing of IOAS areas and pinned ranges. */
export interface UserMemory {
  readonly readOnly?: boolean;
  /**
   * Physical address of `length` bytes at an address of this memory; undefined unless all
   * of them exist and are physically contiguous.
   */
  physical(address: number, length: number): number | undefined;
}

/** Driver data with its type. */
export interface DriverData {
  readonly type: number;
  readonly bytes: Uint8Array;
}

/** The driver's answer to IOMMU_GET_HW_INFO. */
export interface HwInfo {
  readonly type: number;
  readonly bytes: Uint8Array;
}

/** The translation that a device is attached to. */
export interface IommuDomain {
  /**
   * Moves the device from its current domain into this one.
   * @throws {IommufdError} and the device stays in its current domain.
   */
  attach(device: IommuDevice): void;
  /** Destroys the domain, which no device is attached to. */
  destroy(): void;
}

/** The driver's part of a paging HWPT: IOVAs mapped to physical addresses. */
export interface PagingDomain extends IommuDomain {
  /** Smallest page, bytes. */
  readonly pageSize: number;
  /** The highest IOVA that the domain can map. */
  readonly lastIova: bigint;
  /**
   * Maps a range that is not mapped.
   * @throws {IommufdError} and no part of the range is mapped.
   */
  map(iova: bigint, pa: number, length: bigint, writable: boolean): void;
  /** Unmaps a range. No access through it is in progress when this returns. */
  unmap(iova: bigint, length: bigint): void;
}

/** The driver's part of a nested HWPT: a guest's own tables. */
export interface NestedDomain extends IommuDomain {
  /** HWPT_INVALIDATE on the nested HWPT. Absent: EOPNOTSUPP. */
  invalidate?(request: InvalidateRequest): InvalidateResult;
}

/** HWPT_ALLOC of a paging HWPT, as passed to the driver. */
export interface PagingRequest {
  readonly device: IommuDevice;
  readonly nestParent: boolean;
  readonly dirtyTracking: boolean;
  readonly data: DriverData | undefined;
  /** Receives the domain's page faults; undefined when the HWPT has no fault queue. */
  readonly faults: FaultSink | undefined;
}

/** HWPT_ALLOC of a nested HWPT, as passed to the driver. */
export interface NestedRequest {
  readonly device: IommuDevice;
  readonly flags: number;
  readonly data: DriverData;
  readonly faults: FaultSink | undefined;
}

/** Entries of HWPT_INVALIDATE in the caller's memory. */
export interface InvalidateRequest {
  readonly dataType: number;
  /** Bytes from one entry to the next. */
  readonly entryLength: number;
  readonly entries: Uint8Array;
  readonly count: number;
}

/** How many entries were carried out, and the error that stopped the rest. */
export interface InvalidateResult {
  readonly handled: number;
  readonly error?: IommufdError;
}

/**
 * HWPT_INVALIDATE of a command queue: everything between head and tail, as hardware would
 * be given it. Each call starts at `head`: the command after one that the VMM has
 * emulated, or one that the VMM has corrected.
 */
export interface InvalidateQueueRequest {
  /** Which of the vIOMMU's queues, from 0. Default 0. */
  readonly queue?: number;
  /**
   * IOVA of the ring in the vIOMMU's stage 2; or the ring itself, in the VMM's memory.
   */
  readonly base: bigint | Uint8Array;
  readonly log2size: number;
  /** Index of the next command, with its wrap bit. */
  readonly head: number;
  /** Index after the last command, with its wrap bit. */
  readonly tail: number;
}

/**
 * Why a call returned.
 * - running: it reached the tail, or the limit of one call.
 * - waiting: it reached a synchronisation that completes later, without another request.
 * - unsupported: the VMM has to emulate the command at `head`.
 * - error: the command at `head` is invalid.
 */
export type QueueProgress = 'running' | 'waiting' | 'unsupported' | 'error';

/** How far the queue was processed. */
export interface InvalidateQueueResult {
  readonly head: number;
  readonly progress: QueueProgress;
}

/** Where mmap finds a vIOMMU's direct page. */
export interface MmapArea {
  /** In the iommufd's file, in bytes. */
  readonly offset: number;
  /** Bytes. */
  readonly length: number;
}

/** A page of registers that the vIOMMU's hardware lends to its VM. */
export interface DirectPage {
  /** Bytes. */
  readonly length: number;
  /** Reads a register; `offset` in bytes, a multiple of 4. */
  read32(offset: number): number;
  /** Writes a register; `offset` in bytes, a multiple of 4. */
  write32(offset: number, value: number): void;
  /** Moves the page, with its contents, to this offset of the VM's own memory. */
  placeInGuest(memoryOffset: number): void;
  /** Moves the page, with its contents, back into the hardware. */
  takeFromGuest(): void;
}

/** The driver's part of a vDEVICE. */
export interface VdeviceDriver {
  /** Removes the device from the guest. */
  destroy(): void;
}

/** HW_QUEUE_ALLOC, as passed to the driver. */
export interface HwQueueRequest {
  readonly type: number;
  readonly index: number;
  /** Physical address of the pinned ring. */
  readonly basePa: number;
  /** Bytes. */
  readonly length: number;
}

/** The driver's part of a HW queue. */
export interface HwQueueDriver {
  /** The queue that must outlive this one. */
  readonly dependsOn: HwQueueDriver | undefined;
  /** Stops the queue: the hardware does not read the ring after this returns. */
  destroy(): void;
}

/**
 * Receives a driver's events. False when no queue accepts them; the host then logs them.
 */
export type EventSink = (type: number, payload: Uint8Array) => boolean;
/**
 * Receives a group of page faults of a device. The group gets one answer for all its
 * faults; its last fault has PGFAULT_LAST_PAGE (`FaultGroups` collects groups). False
 * when nothing accepts it. At the latest, a group is answered when the device is detached
 * or attached to something else.
 */
export type FaultSink = (
  faults: readonly PageFault[],
  answer: (code: number) => void,
  device: IommuDevice,
) => boolean;

/** IOMMU_FAULT_QUEUE record, struct iommu_hwpt_pgfault without its cookie. */
export interface PageFault {
  readonly flags: number;
  readonly deviceId: number;
  readonly pasid: number;
  readonly group: number;
  readonly permission: number;
  readonly address: bigint;
  readonly length: number;
}

/** VIOMMU_ALLOC, as passed to the driver. */
export interface ViommuRequest {
  readonly device: IommuDevice;
  readonly parent: PagingDomain;
  readonly type: number;
  /** VIOMMU_FLAG_*, only those that the IOMMU supports. */
  readonly flags: number;
  readonly data: Uint8Array | undefined;
  readonly vm: VmHandle | undefined;
  readonly events: EventSink;
}

/** The driver's part of a vIOMMU. */
export interface ViommuDriver {
  /**
   * The answer to the driver data of VIOMMU_ALLOC, given the location of the direct page.
   * Absent: there is none.
   */
  answer?(mmap: MmapArea | undefined): Uint8Array;
  readonly directPage?: DirectPage | undefined;
  /** HWPT_ALLOC of a nested HWPT on this vIOMMU. */
  allocNested(request: NestedRequest): NestedDomain;
  /** VDEVICE_ALLOC: the guest knows the device by this ID. */
  allocVdevice(device: IommuDevice, virtId: bigint): VdeviceDriver;
  /** Absent: EOPNOTSUPP. */
  invalidate?(request: InvalidateRequest): InvalidateResult;
  /** HWPT_INVALIDATE of a whole queue. Absent: EOPNOTSUPP. */
  invalidateQueue?(request: InvalidateQueueRequest): InvalidateQueueResult;
  /**
   * Its HW queues; absent when there are none. `checkType` is called before the ring's
   * memory is examined.
   * @throws {IommufdError} EOPNOTSUPP for a type that it does not support.
   */
  readonly hwQueues?: {
    /** Throws unless there are queues of this type. */
    checkType(type: number): void;
    /** HW_QUEUE_ALLOC, with the ring pinned. */
    allocate(request: HwQueueRequest): HwQueueDriver;
  };
  /** Destroys the vIOMMU. Everything that was allocated on it has been destroyed. */
  destroy(): void;
}

/**
 * One IOMMU of the host. Two devices share an IOMMU when their `iommu` is the same
 * object.
 */
export interface Iommu {
  readonly name: string;
  /**
   * Its devices are coherent with the processors. A device of an IOMMU that is not
   * coherent cannot be bound. Default true.
   */
  readonly coherent?: boolean;
  /** VIOMMU_FLAG_* that it supports. Default none. */
  readonly viommuFlags?: number;
  /**
   * @param type 0 for the default, otherwise the IOMMU_HW_INFO_TYPE_* wanted.
   * @throws {IommufdError} EOPNOTSUPP for a type that it does not support.
   */
  hwInfo(device: IommuDevice, type: number): HwInfo;
  /**
   * Blocks all accesses of a device: the state of a device that is attached to nothing.
   */
  block(device: IommuDevice): void;
  /** HWPT_ALLOC of a paging HWPT. */
  allocPaging(request: PagingRequest): PagingDomain;
  /** A nested domain without a vIOMMU. Absent: EOPNOTSUPP. */
  allocNested?(parent: PagingDomain, request: NestedRequest): NestedDomain;
  /**
   * Checks the type before VIOMMU_ALLOC examines the stage 2 (get_viommu_size).
   * @throws {IommufdError} EOPNOTSUPP for a type that it does not support for this
   *   device.
   */
  checkViommuType(device: IommuDevice, type: number): void;
  /** VIOMMU_ALLOC of a type that it supports. */
  allocViommu(request: ViommuRequest): ViommuDriver;
}
