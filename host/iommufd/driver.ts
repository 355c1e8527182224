// SPDX-License-Identifier: MIT
// What an IOMMU's driver implements below the object model. Nothing here knows a vendor:
// types and driver data are numbers and bytes that only the driver understands, as in
// Linux's uAPI (include/uapi/linux/iommufd.h).

import type { IommufdError } from './iommufd-error.ts';

/** A range of IOVAs that no IOAS may map for a device (iommu_get_resv_regions). */
export interface ReservedRegion {
  readonly iova: bigint;
  /** Bytes. */
  readonly length: bigint;
  /** Physical address of the MSI doorbells that are mapped there (IOMMU_RESV_SW_MSI). */
  readonly doorbells: number;
}

/** A device as its IOMMU's driver knows it. */
export interface IommuDevice {
  readonly name: string;
  /** The IOMMU that it sits behind. */
  readonly iommu: Iommu;
  /** DMA ownership: an iommufd has the device bound. */
  claimed: boolean;
  /** ID of the device in that iommufd, for records about it; a driver without such records leaves it out. */
  objectId?: number | undefined;
  /** Default none. */
  readonly reservedRegions?: readonly ReservedRegion[] | undefined;
  /** HW_CAP_* of it and its IOMMU together. Default none. */
  readonly capabilities?: number | undefined;
  /** Bits of its PASIDs, 0 when it has none. Default 0. */
  readonly maxPasidLog2?: number | undefined;
}

/** A VM whose handle a vIOMMU holds as long as it lives (KVM's struct kvm). */
export interface VmHandle {
  readonly name: string;
  /** Takes a reference; the VM does not go while there are any. */
  get(): void;
  /** Gives one back. */
  put(): void;
}

/** Memory of the process that maps it: what an IOAS area and a pinned range stand for. */
export interface UserMemory {
  readonly readOnly?: boolean;
  /**
   * Physical address of `length` bytes at an address of this memory; undefined when they
   * are not all there, in one piece.
   */
  physical(address: number, length: number): number | undefined;
}

/** Driver data with its type. */
export interface DriverData {
  readonly type: number;
  readonly bytes: Uint8Array;
}

/** IOMMU_GET_HW_INFO, as the driver of the IOMMU answers it. */
export interface HwInfo {
  readonly type: number;
  readonly bytes: Uint8Array;
}

/** What a device is attached to. */
export interface IommuDomain {
  /**
   * Puts the device into this domain, out of whichever it is in. @throws {IommufdError}
   * and the device stays where it is.
   */
  attach(device: IommuDevice): void;
  /** Nothing is attached any more. */
  destroy(): void;
}

/** What stands behind a paging HWPT: IOVAs mapped to physical addresses. */
export interface PagingDomain extends IommuDomain {
  /** Smallest page, bytes. */
  readonly pageSize: number;
  /** The highest IOVA that can be mapped. */
  readonly lastIova: bigint;
  /** Maps a range that is not mapped. @throws {IommufdError} and nothing of it is mapped. */
  map(iova: bigint, pa: number, length: bigint, writable: boolean): void;
  /** Unmaps; no access through the range is left when this returns. */
  unmap(iova: bigint, length: bigint): void;
}

/** What stands behind a nested HWPT: a guest's own tables. */
export interface NestedDomain extends IommuDomain {
  /** HWPT_INVALIDATE on the nested HWPT. Absent: EOPNOTSUPP. */
  invalidate?(request: InvalidateRequest): InvalidateResult;
}

/** HWPT_ALLOC of a paging HWPT, as the driver of the IOMMU gets it. */
export interface PagingRequest {
  readonly device: IommuDevice;
  readonly nestParent: boolean;
  readonly dirtyTracking: boolean;
  readonly data: DriverData | undefined;
  /** A fault queue stands behind the domain. */
  readonly faults: FaultSink | undefined;
}

/** HWPT_ALLOC of a nested HWPT, as the driver gets it. */
export interface NestedRequest {
  readonly device: IommuDevice;
  readonly flags: number;
  readonly data: DriverData;
  readonly faults: FaultSink | undefined;
}

/** Entries of HWPT_INVALIDATE, as they lie in the caller's memory. */
export interface InvalidateRequest {
  readonly dataType: number;
  /** Bytes from one entry to the next. */
  readonly entryLength: number;
  readonly entries: Uint8Array;
  readonly count: number;
}

/** Entries that were carried out, and what ended the rest. */
export interface InvalidateResult {
  readonly handled: number;
  readonly error?: IommufdError;
}

/**
 * A command queue as hardware would be given it: HWPT_INVALIDATE for everything between
 * head and tail. Every call begins afresh at `head`: behind a command that the VMM has
 * emulated, or at one that it has put right.
 */
export interface InvalidateQueueRequest {
  /** Which of the vIOMMU's queues, from 0. Default 0. */
  readonly queue?: number;
  /** IOVA (of the vIOMMU's stage 2) of the ring; or the ring itself, in the VMM's memory. */
  readonly base: bigint | Uint8Array;
  readonly log2size: number;
  /** Indexes with their wrap bits: the next command, and the one behind the last. */
  readonly head: number;
  readonly tail: number;
}

/**
 * running: everything up to the tail is done, or as much as one call does. waiting: at a
 * synchronisation that goes on by itself, later. unsupported: the command at `head` is
 * the VMM's to emulate. error: it is a bad one.
 */
export type QueueProgress = 'running' | 'waiting' | 'unsupported' | 'error';

/** How far a queue has come. */
export interface InvalidateQueueResult {
  readonly head: number;
  readonly progress: QueueProgress;
}

/** Where a vIOMMU's direct page is found with mmap. */
export interface MmapArea {
  /** Bytes, of the iommufd's file. */
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
  /** The page lies in the VM's own memory from now on, at this offset of it; contents move there. */
  placeInGuest(memoryOffset: number): void;
  /** Back into the hardware: the contents move there. */
  takeFromGuest(): void;
}

/** What the driver has made for a vDEVICE. */
export interface VdeviceDriver {
  /** The guest has the device no more. */
  destroy(): void;
}

/** HW_QUEUE_ALLOC, as the driver gets it. */
export interface HwQueueRequest {
  readonly type: number;
  readonly index: number;
  /** Physical address of the pinned ring. */
  readonly basePa: number;
  /** Bytes. */
  readonly length: number;
}

/** What the driver has made for a HW queue. */
export interface HwQueueDriver {
  /** The queue that has to outlive this one. */
  readonly dependsOn: HwQueueDriver | undefined;
  /** The hardware reads the ring no more. */
  destroy(): void;
}

/** Where a driver's events go. False when nobody takes them: the host logs them then. */
export type EventSink = (type: number, payload: Uint8Array) => boolean;
/**
 * Page faults of a device that wait for an answer, which is one for all of them: a group, whose last one
 * has PGFAULT_LAST_PAGE (`FaultGroups` gathers them). False when nobody takes it. It is answered at the
 * latest when the device is detached, or attached to something else.
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

/** VIOMMU_ALLOC, as the driver gets it. */
export interface ViommuRequest {
  readonly device: IommuDevice;
  readonly parent: PagingDomain;
  readonly type: number;
  /** Of those that the IOMMU has. */
  readonly flags: number;
  readonly data: Uint8Array | undefined;
  readonly vm: VmHandle | undefined;
  readonly events: EventSink;
}

/** What the driver has made for a vIOMMU. */
export interface ViommuDriver {
  /** Answer to the driver data of VIOMMU_ALLOC, told where its direct page is. Absent: it has none. */
  answer?(mmap: MmapArea | undefined): Uint8Array;
  readonly directPage?: DirectPage | undefined;
  /** HWPT_ALLOC of a nested HWPT on this vIOMMU. */
  allocNested(request: NestedRequest): NestedDomain;
  /** VDEVICE_ALLOC: the device has this ID for the guest. */
  allocVdevice(device: IommuDevice, virtId: bigint): VdeviceDriver;
  /** Absent: EOPNOTSUPP. */
  invalidate?(request: InvalidateRequest): InvalidateResult;
  /** HWPT_INVALIDATE of a whole queue. Absent: EOPNOTSUPP. */
  invalidateQueue?(request: InvalidateQueueRequest): InvalidateQueueResult;
  /**
   * Its HW queues; absent when there are none. `checkType` is asked before the ring's memory is looked at.
   * @throws {IommufdError} EOPNOTSUPP for a type that it does not have.
   */
  readonly hwQueues?: {
    /** Whether there are queues of a type. */
    checkType(type: number): void;
    /** HW_QUEUE_ALLOC, with the ring pinned. */
    allocate(request: HwQueueRequest): HwQueueDriver;
  };
  /** Everything that was made for it is gone already. */
  destroy(): void;
}

/** One IOMMU of the host. Two devices are behind the same IOMMU when this is the same object. */
export interface Iommu {
  readonly name: string;
  /** Its devices see memory as processors do. A device of one that is not coherent cannot be bound. Default true. */
  readonly coherent?: boolean;
  /** VIOMMU_FLAG_* that it has. Default none. */
  readonly viommuFlags?: number;
  /**
   * @param type 0 for the default, else the IOMMU_HW_INFO_TYPE_* wanted.
   * @throws {IommufdError} EOPNOTSUPP for a type that it does not have.
   */
  hwInfo(device: IommuDevice, type: number): HwInfo;
  /** Nothing gets through any more: where a device is that is attached to nothing. */
  block(device: IommuDevice): void;
  /** HWPT_ALLOC of a paging HWPT. */
  allocPaging(request: PagingRequest): PagingDomain;
  /** A nested domain without a vIOMMU. Absent: EOPNOTSUPP. */
  allocNested?(parent: PagingDomain, request: NestedRequest): NestedDomain;
  /**
   * Asked before the stage 2 of a vIOMMU is looked at (get_viommu_size).
   * @throws {IommufdError} EOPNOTSUPP for a type that it does not have, for this device.
   */
  checkViommuType(device: IommuDevice, type: number): void;
  /** VIOMMU_ALLOC of a type that it has. */
  allocViommu(request: ViommuRequest): ViommuDriver;
}
