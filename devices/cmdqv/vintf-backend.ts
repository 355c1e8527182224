// SPDX-License-Identifier: MIT
// What a guest's CMDQV needs from its host: one VINTF of the physical CMDQV on loan, with
// the interface of iommufd's vIOMMU and HW queue objects.

import type { QueueBlock } from '../unit/index.ts';

/**
 * What a virtual CMDQV needs from its host: a VINTF on loan. docs/device-plugin.md has
 * the contract.
 */
export interface VintfBackend {
  /** LVCMDQs of the lent VINTF that the guest may use, a power of two. */
  readonly lvcmdqCount: number;
  /** First argument of the guest's doorbell import (assembly/layout/doorbell-id.ts). */
  readonly doorbellId: number;
  /** Block of the VCMDQ bound to an LVCMDQ slot. */
  queue(lvcmdq: number): QueueBlock;
  /**
   * The guest has set or cleared its VINTF_CONFIG.EN. Without HW queues a physical VINTF
   * does nothing in either state. VMID and HYP_OWN are controlled by the host.
   */
  setEnabled(enabled: boolean): void;
  /**
   * Allocates the HW queue of a slot (iommufd's HW_QUEUE_ALLOC): pins the ring and
   * programs the physical BASE. Slots are allocated in ascending order.
   * @param baseGpa gpa of the ring.
   * @returns false when the ring is not aligned to its size, is larger than IDR1.CMDQS
   *   allows, or is not in RAM.
   */
  allocateQueue(lvcmdq: number, baseGpa: number, log2size: number): boolean;
  /** Frees a slot's HW queue, in descending order. No effect on a slot without one. */
  freeQueue(lvcmdq: number): void;
  /** The guest's page 0 is now mapped at this offset of guest memory. */
  mapPage0(memoryOffset: number): void;
  /** The guest's page 0 traps again; its contents are preserved. */
  unmapPage0(): void;
  /**
   * A page-0 register (VCMDQ_CONS to VCMDQ_GERRORN) of a slot, wherever page 0 is stored
   * now.
   */
  readPage0(lvcmdq: number, register: number): number;
  /** Stores a page-0 register and serves the queue, as a doorbell does. */
  writePage0(lvcmdq: number, register: number, value: number): void;
  /**
   * Called at a safe point when the host has published an error of a queue, so that the
   * device raises its interrupt.
   */
  onError(raise: (lvcmdq: number) => void): void;
}
