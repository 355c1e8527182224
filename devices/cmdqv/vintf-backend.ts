// SPDX-License-Identifier: MIT
// What a guest's CMDQV needs of the host behind it: one borrowed VINTF of the physical CMDQV, in the shape of iommufd's
// vIOMMU and HW queue objects.

import type { QueueBlock } from '../unit/index.ts';

/** What a virtual CMDQV needs of its host: a borrowed VINTF. docs/device-plugin.md has the contract. */
export interface VintfBackend {
  /** LVCMDQs of the borrowed VINTF that the guest may use, a power of two. */
  readonly lvcmdqCount: number;
  /** First argument of the guest's doorbell import (assembly/layout/doorbell-id.ts). */
  readonly doorbellId: number;
  /** Block of the VCMDQ behind an LVCMDQ slot. */
  queue(lvcmdq: number): QueueBlock;
  /**
   * The guest has set or cleared its VINTF_CONFIG.EN; without HW queues a physical VINTF
   * does nothing either way. VMID and HYP_OWN are the host's.
   */
  setEnabled(enabled: boolean): void;
  /**
   * Allocates the HW queue behind a slot (iommufd's HW_QUEUE_ALLOC): pins the ring and
   * programs the physical BASE. Slots are allocated in ascending order.
   * @param baseGpa gpa of the ring.
   * @returns false when the ring is not aligned to its size, is larger than IDR1.CMDQS allows, or does not lie in RAM.
   */
  allocateQueue(lvcmdq: number, baseGpa: number, log2size: number): boolean;
  /** Frees a slot's HW queue, descending order; a slot without one is left alone. */
  freeQueue(lvcmdq: number): void;
  /** The guest's page 0 now lies at this offset of guest memory. */
  mapPage0(memoryOffset: number): void;
  /** The guest's page 0 traps again; contents are carried over. */
  unmapPage0(): void;
  /** A page-0 register (VCMDQ_CONS to VCMDQ_GERRORN) of a slot, wherever page 0 lies now. */
  readPage0(lvcmdq: number, register: number): number;
  /** Stores a page-0 register and runs the queue, as a doorbell does. */
  writePage0(lvcmdq: number, register: number, value: number): void;
  /**
   * Called at a safe point when the host has published an error of a queue, so that the
   * device raises its interrupt.
   */
  onError(raise: (lvcmdq: number) => void): void;
}
