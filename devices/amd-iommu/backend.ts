// SPDX-License-Identifier: MIT
// What a guest's AMD IOMMU asks of its host. All of it is control: commands and events go past it.

import type { AmdBuffer } from './amd-register-specs.ts';

export interface AmdViommuBackend {
  /** The number by which the guest's stores to its pointers are known: first argument of the doorbell import. */
  readonly doorbell: number;
  /** The command buffer, the event log and the PPR log that the guest has chosen; undefined for none. Addresses are gpa. */
  setBuffers(
    command: AmdBuffer | undefined,
    event: AmdBuffer | undefined,
    ppr: AmdBuffer | undefined,
  ): void;
  /** Enables of the buffers (BUFFER_ENABLES). */
  setControl(control: number): void;
  /** The guest's device table, undefined while its IOMMU is off. */
  setDeviceTable(table: { readonly address: number; readonly bytes: number } | undefined): void;
  /** Reads some of the device table entries that the command buffer waits for. @returns how many. */
  service(): number;
  /** A register of the VF page: its low word, by MMIO offset. */
  read(register: number): number;
  write(register: number, value: number): void;
  /** State of the buffers, as unsigned words: what `restore` takes on a backend with the same buffers. */
  save(): readonly number[];
  restore(words: readonly number[]): void;
  /** The pointers lie in the guest's memory from now on, at this offset of it. */
  placeInGuest(memoryOffset: number): void;
  takeFromGuest(): void;
}
