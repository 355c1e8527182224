// SPDX-License-Identifier: MIT
// A VT-d IOMMU as its HWPTs and vIOMMUs use it.

import type { Invalidation, PhysicalVtd, VtdMemory } from '../../../devices/vtd/index.ts';
import type { HostRam } from '../../hardware/index.ts';
import type { IdAllocator } from '../id-allocator.ts';

/** The contents of a PASID table entry, apart from AW and P. */
export interface VtdEntry {
  readonly pgtt: number;
  readonly did: number;
  /**
   * PA of the second-stage tables and gpa of the first-stage tables; 0 without tables.
   */
  readonly secondStage: number;
  readonly firstStage: bigint;
  readonly supervisor: boolean;
  readonly writeProtect: boolean;
}

export interface VtdHardware {
  readonly ram: HostRam;
  readonly memory: VtdMemory;
  readonly physical: PhysicalVtd;
  /** Domain IDs, which tag IOTLB entries. */
  readonly domains: IdAllocator;
  /**
   * Replaces a device's entry. Nothing of the old entry is cached when this returns.
   * Undefined: blocked.
   */
  install(sourceId: number, entry: VtdEntry | undefined): void;
  /** Submits descriptors and waits for their completion. */
  submit(...what: readonly Invalidation[]): void;
}
