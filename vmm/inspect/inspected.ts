// SPDX-License-Identifier: MIT
// What inspection, footprints and the sanitizer look at: the ends of vIOMMUs and VINTFs that a VMM holds
// (vmm/nested), as far as they are read here.

import type { DirectQueueBackend, StreamWatch } from '../../devices/smmuv3/index.ts';
import type { ContextBlock, QueueBlock } from '../../devices/unit/index.ts';
import type { ObjectDescription } from '../../host/iommufd/index.ts';
import type { Vm } from '../../host/kernel/index.ts';

/** Counts of a vIOMMU as plain data. */
export interface ViommuStatistics {
  readonly events: number;
  /** Faults of stage 2: the host's affair, not shown to the guest. */
  readonly stage2Faults: number;
  /** Commands that the host carried out behind an overlaid CMDQ, which waited meanwhile. */
  readonly interventions: number;
}

/** What a guest has used although its own SMMU, by its ID registers, lacks it: bits, which only come. */
export interface BeyondShown {
  /** Of CTX_LACKS: commands on its VCMDQs. */
  readonly commands: number;
  /** SHOWN_*: what its CDs take more of. */
  readonly cds: number;
  /** SHOWN_*: its translation tables. */
  readonly tables: number;
}

/** A guest's SMMU in the host. */
export interface InspectedSmmu {
  /** The machine that it belongs to, as messages name it. */
  readonly owner: string;
  /** The VM under a host that it was made for. Undefined: its guest owns it. */
  readonly vm: Vm | undefined;
  readonly hostMemory: WebAssembly.Memory;
  readonly fd: { describe(): readonly ObjectDescription[] };
  /** Numbers of the physical SMMU and of the vIOMMU on it, first. */
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
  /** `beyond` is read anew each time: other threads add to it. */
  readonly shown: { readonly beyond: BeyondShown };
  /** The STEs of its streams in the guest's memory; undefined where no vSMMU reads them. */
  readonly guestStes: StreamWatch | undefined;
}

/** A VINTF that a vIOMMU has borrowed. */
export interface InspectedVintf {
  readonly viommu: InspectedSmmu;
  readonly index: number;
  readonly context: ContextBlock;
  readonly queues: readonly QueueBlock[];
  readPage0(lvcmdq: number, register: number): number;
}

/** An SMMU of a guest and what it has borrowed from its host. */
export interface GuestSmmu {
  readonly smmu: InspectedSmmu;
  readonly vintf?: InspectedVintf;
}
