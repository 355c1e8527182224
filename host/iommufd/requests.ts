// SPDX-License-Identifier: MIT
// Requests of an iommufd, and what they return.

import type { DriverData, HwInfo, MmapArea, VmHandle } from './driver.ts';
import type { FaultQueue } from './event-files.ts';
import type { ResourceGate } from './gate.ts';
import type { ObjectType } from './object.ts';

/** Options of an `Iommufd`. */
export interface IommufdOptions {
  /** Told of every allocation and every access to the caller's memory before it is made. Default: none. */
  readonly gate?: ResourceGate;
}

/** HWPT_ALLOC. `parent` is an IOAS (a paging HWPT), or a vIOMMU or paging HWPT (a nested one). */
export interface HwptRequest {
  readonly device: number;
  readonly parent: number;
  readonly nestParent?: boolean;
  readonly dirtyTracking?: boolean;
  /** ID of a fault queue. */
  readonly fault?: number;
  readonly data?: DriverData;
}

/** What GET_HW_INFO returns. */
export interface DeviceInfo extends HwInfo {
  /** Bytes that the driver has. */
  readonly length: number;
  /** HW_CAP_*. */
  readonly capabilities: number;
  /** Bits of the device's PASIDs, 0 when it has none. */
  readonly maxPasidLog2: number;
}

/** What VIOMMU_ALLOC returns. */
export interface ViommuAllocation {
  readonly id: number;
  /** Where the direct page is, if the vIOMMU has one. */
  readonly mmap: MmapArea | undefined;
  /** The driver's answer to its data. */
  readonly answer: Uint8Array | undefined;
}

/** One object as `inspect` shows it. */
export interface ObjectDescription {
  readonly id: number;
  readonly type: ObjectType;
  /** 1 is the object table itself. */
  readonly users: number;
  /** IDs of the objects that it keeps. */
  readonly keeps: readonly number[];
  readonly details: Readonly<Record<string, string | number>>;
}

/** VIOMMU_ALLOC. `vm` is the VM whose vIOMMU it is: held until the vIOMMU goes. */
export interface ViommuAllocRequest {
  readonly device: number;
  readonly hwpt: number;
  readonly type: number;
  readonly flags?: number;
  readonly data?: Uint8Array;
  readonly vm?: VmHandle;
}

/** VDEVICE_ALLOC. */
export interface VdeviceRequest {
  readonly viommu: number;
  readonly device: number;
  /** What the guest knows the device by. */
  readonly virtId: bigint;
}

/** FAULT_QUEUE_ALLOC. */
export interface FaultQueueRequest {
  /**
   * ID of a vIOMMU: the queue is for every nested HWPT that is made on it from now on and names no
   * other. Linux has no such queues. Default: a queue by itself.
   */
  readonly viommu?: number;
}

/** What FAULT_QUEUE_ALLOC returns. */
export interface FaultQueueAllocation {
  readonly id: number;
  /** The queue's file. */
  readonly file: FaultQueue;
}

/** VEVENTQ_ALLOC. */
export interface VeventqRequest {
  readonly viommu: number;
  readonly type: number;
  /** Events that it holds. */
  readonly depth: number;
  readonly flags?: number;
}

/** HW_QUEUE_ALLOC. */
export interface HwQueueAllocRequest {
  readonly viommu: number;
  readonly type: number;
  readonly index: number;
  /** Of the ring, in the vIOMMU's stage 2. */
  readonly iova: bigint;
  /** Bytes. */
  readonly length: bigint;
  readonly flags?: number;
}

/** How a direct page is mapped. */
export interface MmapHow {
  /** Default true. */
  readonly shared?: boolean;
  /** Default false. */
  readonly executable?: boolean;
}
