// SPDX-License-Identifier: MIT
// The IOMMU as HWPTs and vIOMMUs of VT-d work it.

import type { Invalidation, PhysicalVtd, VtdMemory } from '../../../devices/vtd/index.ts';
import type { HostRam } from '../../hardware/index.ts';
import type { IdAllocator } from '../id-allocator.ts';

/** What a PASID table entry is to say, beside AW and P. */
export interface VtdEntry {
  readonly pgtt: number;
  readonly did: number;
  /** PA of the second-stage tables, gpa of the first-stage ones; 0 where there are none. */
  readonly secondStage: number;
  readonly firstStage: bigint;
  readonly supervisor: boolean;
  readonly writeProtect: boolean;
}

export interface VtdHardware {
  readonly ram: HostRam;
  readonly memory: VtdMemory;
  readonly physical: PhysicalVtd;
  /** Domain IDs, which tag the IOTLB. */
  readonly domains: IdAllocator;
  /** Replaces a device's entry; nothing is cached of the old one when this returns. Undefined: blocked. */
  install(sourceId: number, entry: VtdEntry | undefined): void;
  /** Submits descriptors and waits for their completion. */
  submit(...what: readonly Invalidation[]): void;
}
