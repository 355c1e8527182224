// SPDX-License-Identifier: MIT
// The parts of vIOMMUs and VINTFs (vmm/nested) that inspection, footprints and the
// sanitizer read.

import type { DirectQueueBackend, StreamWatch } from '../../devices/smmuv3/index.ts';
import type { ContextBlock, QueueBlock } from '../../devices/unit/index.ts';
import type { ObjectDescription } from '../../host/iommufd/index.ts';
import type { Vm } from '../../host/kernel/index.ts';

/** Counters of a vIOMMU as plain data. */
export interface ViommuStatistics {
  readonly events: number;
  /** Faults of stage 2, which belong to the host and are not shown to the guest. */
  readonly stage2Faults: number;
  /** Commands that the host executed for an overlaid CMDQ, which waited for them. */
  readonly interventions: number;
}

/**
 * What a guest has used although its own SMMU, by its ID registers, lacks it: bits that
 * are never cleared.
 */
export interface BeyondShown {
  /** CTX_LACKS bits: commands on its VCMDQs. */
  readonly commands: number;
  /** SHOWN_* bits used by its CDs. */
  readonly cds: number;
  /** SHOWN_* bits used by its translation tables. */
  readonly tables: number;
}

/** A guest's SMMU on the host's side. */
export interface InspectedSmmu {
  /** Name of its machine in messages. */
  readonly owner: string;
  /** The VM on a host for which it was created. Undefined when its guest owns it. */
  readonly vm: Vm | undefined;
  readonly hostMemory: WebAssembly.Memory;
  readonly fd: { describe(): readonly ObjectDescription[] };
  /** Numbers of the physical SMMU and of the vIOMMU on it, in that order. */
  readonly numbers: readonly number[];
  readonly index: number;
  readonly vmid: number;
  readonly btm: boolean;
  /** Byte offset of the SMMU block in host memory. */
  readonly smmuBlock: number;
  readonly context: ContextBlock;
  readonly commandQueue: QueueBlock;
  /** Present on the overlay path. */
  readonly overlay: DirectQueueBackend | undefined;
  readonly enhancedQueues: readonly {
    readonly block: QueueBlock;
    readonly direct?: DirectQueueBackend | undefined;
  }[];
  /** Physical StreamIDs by the guest's numbers. */
  readonly streams: ReadonlyMap<number, number>;
  readonly statistics: ViommuStatistics;
  /** `beyond` is read again each time: other threads add to it. */
  readonly shown: { readonly beyond: BeyondShown };
  /**
   * The STEs of its streams in the guest's memory; undefined when no vSMMU reads them.
   */
  readonly guestStes: StreamWatch | undefined;
}

/** A VINTF that is lent to a vIOMMU. */
export interface InspectedVintf {
  readonly viommu: InspectedSmmu;
  readonly index: number;
  readonly context: ContextBlock;
  readonly queues: readonly QueueBlock[];
  readPage0(lvcmdq: number, register: number): number;
}

/** A physical SMMU that a guest owns, with the VINTFs of its CMDQV. */
export interface OwnedSmmu {
  readonly smmu: InspectedSmmu;
  readonly vintfs: readonly InspectedVintf[];
}

/** A guest's SMMU and what its host has lent it. */
export interface GuestSmmu {
  readonly smmu: InspectedSmmu;
  readonly vintf?: InspectedVintf;
}
