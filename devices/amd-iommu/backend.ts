// SPDX-License-Identifier: MIT
// What a guest's AMD IOMMU requests from its host. This is the control path only:
// commands and events bypass it.

import type { AmdBuffer } from './amd-register-specs.ts';

export interface AmdViommuBackend {
  /**
   * Number that identifies the guest's stores to its pointers: first argument of the
   * doorbell import.
   */
  readonly doorbell: number;
  /**
   * The command buffer, the event log and the PPR log of the guest; undefined for none.
   * Addresses are gpa.
   */
  setBuffers(
    command: AmdBuffer | undefined,
    event: AmdBuffer | undefined,
    ppr: AmdBuffer | undefined,
  ): void;
  /** Enables of the buffers (BUFFER_ENABLES). */
  setControl(control: number): void;
  /** The guest's device table; undefined while its IOMMU is disabled. */
  setDeviceTable(table: { readonly address: number; readonly bytes: number } | undefined): void;
  /**
   * Reads some of the device table entries that the command buffer waits for.
   * @returns how many.
   */
  service(): number;
  /** The low word of a register of the VF page, by MMIO offset. */
  read(register: number): number;
  write(register: number, value: number): void;
  /**
   * State of the buffers as unsigned words, for `restore` on a backend with the same
   * buffers.
   */
  save(): readonly number[];
  restore(words: readonly number[]): void;
  /** From now on the pointers are stored in the guest's memory, at this offset. */
  placeInGuest(memoryOffset: number): void;
  takeFromGuest(): void;
}
