// SPDX-License-Identifier: MIT
// Requests of an iommufd, and what they return.

import type { DriverData, HwInfo, MmapArea, VmHandle } from './driver.ts';
import type { FaultQueue } from './event-files.ts';
import type { ResourceGate } from './gate.ts';
import type { ObjectType } from './object.ts';

/** Options of an `Iommufd`. */
export interface IommufdOptions {
  /**
   * Called before every allocation and every access to the caller's memory. Default:
   * none.
   */
  readonly gate?: ResourceGate;
}

/**
 * HWPT_ALLOC. `parent` is an IOAS (a paging HWPT), or a vIOMMU or paging HWPT (a nested
 * one).
 */
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
  /** Length of the driver's information in bytes. */
  readonly length: number;
  /** HW_CAP_*. */
  readonly capabilities: number;
  /** Width of the device's PASIDs in bits, 0 when it has none. */
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
  /** Number of users, of which the object table itself is one. */
  readonly users: number;
  /** IDs of the objects that it uses. */
  readonly keeps: readonly number[];
  readonly details: Readonly<Record<string, string | number>>;
}

/**
 * VIOMMU_ALLOC. `vm` is the VM that the vIOMMU is for; the vIOMMU keeps a reference to
 * it.
 */
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
  /** The ID by which the guest knows the device. */
  readonly virtId: bigint;
}

/** FAULT_QUEUE_ALLOC. */
export interface FaultQueueRequest {
  /**
   * ID of a vIOMMU: the queue serves every nested HWPT that is allocated on it later and
   * names no other. Linux has no such queues. Default: a queue without a vIOMMU.
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
  /** Capacity in events. */
  readonly depth: number;
  readonly flags?: number;
}

/** HW_QUEUE_ALLOC. */
export interface HwQueueAllocRequest {
  readonly viommu: number;
  readonly type: number;
  readonly index: number;
  /** IOVA of the ring in the vIOMMU's stage 2. */
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
