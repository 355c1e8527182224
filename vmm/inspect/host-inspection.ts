// SPDX-License-Identifier: MIT
// The objects of a host as plain data, for `Host.inspect`. Taken at a safe point; words
// that a guest changes in the meantime are as they were when read.

import { CMDQV_SIDS_PER_VINTF, VCMDQ_PROD } from '../../assembly/layout/cmdqv-registers.ts';
import {
  QUEUE_ERROR_HELD,
  QUEUE_ERROR_PUBLISHED,
  QUEUE_KIND_ECMDQ,
  QUEUE_KIND_GUEST_CMDQ,
  QUEUE_KIND_MAIN,
  QUEUE_KIND_OVERLAY,
  QUEUE_KIND_VCMDQ_GUEST,
  QUEUE_KIND_VCMDQ_HYP,
  QUEUE_NEEDS_HOST,
  QUEUE_PARKED,
  QUEUE_RUNNING,
} from '../../assembly/layout/queue-memory.ts';
import type { DirectQueueBackend } from '../../devices/smmuv3/index.ts';
import type { ContextBlock, QueueBlock, QueueCounts } from '../../devices/unit/index.ts';
import type { ObjectDescription } from '../../host/iommufd/index.ts';
import type { Vm } from '../../host/kernel/vm.ts';
import type { InspectedSmmu, InspectedVintf, ViommuStatistics } from './inspected.ts';
import type { SmmuCounters } from './smmu-counters.ts';

const KINDS: Readonly<Record<number, string>> = {
  [QUEUE_KIND_MAIN]: 'CMDQ of the SMMU',
  [QUEUE_KIND_VCMDQ_GUEST]: 'VCMDQ',
  [QUEUE_KIND_VCMDQ_HYP]: 'VCMDQ with HYP_OWN',
  [QUEUE_KIND_GUEST_CMDQ]: 'trapped',
  [QUEUE_KIND_OVERLAY]: 'overlay',
  [QUEUE_KIND_ECMDQ]: 'ECMDQ',
};

const STATES: Readonly<Record<number, string>> = {
  [QUEUE_RUNNING]: 'running',
  [QUEUE_PARKED]: 'parked at a CMD_SYNC',
  [QUEUE_ERROR_HELD]: 'error held',
  [QUEUE_ERROR_PUBLISHED]: 'error published',
  [QUEUE_NEEDS_HOST]: 'waits for the host',
};

/** A command queue. */
export interface QueueInspection extends QueueCounts {
  /** "LVCMDQ 0", "CMDQ", "ECMDQ 1". */
  readonly name: string;
  readonly kind: string;
  /** Index of its block on its SMMU. */
  readonly block: number;
  readonly allocated: boolean;
  /** Number of commands in the ring; 0 without a ring. */
  readonly entries: number;
  /** Software's PROD, including the wrap bit. */
  readonly prod: number;
  /** The drain's CONS, including the wrap bit. */
  readonly cons: number;
  readonly state: string;
  /** CERROR_*, 0 for none. */
  readonly error: number;
  /**
   * Byte offset in guest memory of the mapped PROD, followed by CONS; 0 while they trap.
   */
  readonly mappedAt: number;
}

/** A pair that translates a StreamID in commands. */
export interface SidPairInspection {
  readonly pair: number;
  readonly virtual: number;
  readonly physical: number;
}

/** A VINTF that is lent to a vIOMMU. */
export interface VintfInspection {
  readonly index: number;
  readonly enabled: boolean;
  readonly vmid: number;
  readonly doorbellCalls: number;
  /** Byte offset in guest memory of the VINTF's mapped page 0; 0 while it traps. */
  readonly page0: number;
  readonly sidPairs: readonly SidPairInspection[];
  readonly queues: readonly QueueInspection[];
}

/** A vIOMMU, and its iommufd. */
export interface ViommuInspection {
  /** Number of its physical SMMU. */
  readonly smmu: number;
  readonly index: number;
  readonly vmid: number;
  readonly overlay: boolean;
  readonly btm: boolean;
  /** Calls of the guest's doorbell for its own queues, excluding those of a VINTF. */
  readonly doorbellCalls: number;
  /** StreamIDs as numbered by the guest and by the SMMU. */
  readonly streams: readonly { readonly virtual: number; readonly physical: number }[];
  readonly sidPairs: readonly SidPairInspection[];
  /** The trapped or overlaid CMDQ, and ECMDQs in use. */
  readonly queues: readonly QueueInspection[];
  readonly vintf?: VintfInspection;
  readonly counts: ViommuStatistics;
  /** Objects of its iommufd, by ID. */
  readonly objects: readonly ObjectDescription[];
}

/** The vIOMMU of a VM on a host with an AMD IOMMU, and its iommufd. */
export interface AmdViommuInspection {
  readonly guestId: number;
  readonly doorbellCalls: number;
  /** Records lost because the guest's event log was full, disabled or unreachable. */
  readonly eventsLost: number;
  /** DeviceIDs as numbered by the guest and by the IOMMU. */
  readonly devices: readonly { readonly virtual: number; readonly physical: number }[];
  /** DomainIDs of its devices, likewise. */
  readonly domains: readonly { readonly virtual: number; readonly physical: number }[];
  /** The command buffer. */
  readonly queues: readonly QueueInspection[];
  /** Objects of its iommufd, by ID. */
  readonly objects: readonly ObjectDescription[];
}

/** A VM. */
export interface VmInspection {
  readonly name: string;
  /** Window of the physical address map that is its memory. */
  readonly window: number;
  /** In bytes. */
  readonly memory: number;
  /** Number of vIOMMUs that refer to it. */
  readonly references: number;
  /** Empty on a host with an AMD IOMMU. */
  readonly viommus: readonly ViommuInspection[];
  /** On a host with an AMD IOMMU. */
  readonly amd?: AmdViommuInspection;
}

/** The physical SMMU and CMDQV of a machine that owns them. Nothing is lent to it. */
export interface OwnedSmmuInspection {
  /** Name of the machine. */
  readonly machine: string;
  /** StreamIDs of its bus masters. */
  readonly streams: readonly number[];
  /** The SMMU's command queue. */
  readonly queues: readonly QueueInspection[];
  /** The VINTFs that are enabled, or have VCMDQs; the `block` of a queue is its VCMDQ. */
  readonly vintfs: readonly VintfInspection[];
  /** What the SMMU has done since the machine was created. */
  readonly counts: SmmuCounters;
}

/** A whole host. */
export interface HostInspection {
  /** VMIDs; for an AMD IOMMU its DomainIDs. */
  readonly vmids: {
    readonly bits: number;
    readonly pinned: number;
    readonly pinnable: number;
    readonly generation: number;
  };
  /** Bytes of host RAM that are allocated. */
  readonly ramInUse: number;
  /** Empty on a host with an AMD IOMMU. */
  readonly smmus: readonly { readonly vintfsInUse: number; readonly counts: SmmuCounters }[];
  readonly vms: readonly VmInspection[];
  /** SMMUs of machines that own one; absent if there are none. */
  readonly owned?: readonly OwnedSmmuInspection[];
}

/** A queue, from its block. */
export function inspectQueue(name: string, block: QueueBlock, prod: number): QueueInspection {
  const { index, kind, allocated, hasRing, log2size, cons, state, error, overlay, counts } = block;
  const entries = hasRing ? 2 ** log2size : 0;
  return {
    name,
    kind: KINDS[kind] ?? String(kind),
    block: index,
    allocated,
    entries,
    prod,
    cons,
    state: STATES[state] ?? String(state),
    error,
    mappedAt: overlay,
    ...counts,
  };
}

function sidPairs(context: ContextBlock): SidPairInspection[] {
  const pairs = Array.from({ length: CMDQV_SIDS_PER_VINTF }, (_, pair) => ({
    pair,
    match: context.sidMatch(pair),
    physical: context.sidReplace(pair),
  }))
    .filter(({ match }) => match & 1)
    .map(({ pair, match, physical }) => ({ pair, virtual: match >>> 1, physical }));
  const further = context.streams.map(({ slot, virtSid, physSid }) => ({
    pair: slot,
    virtual: virtSid,
    physical: physSid,
  }));
  return [...pairs, ...further];
}

/** PROD from where it is stored: mapped into the guest, or at the host. */
function prodOf(block: QueueBlock, direct: DirectQueueBackend | undefined): number {
  return direct && block.overlay !== 0 ? direct.readProd() : block.prod;
}

/** The slot to which a queue is bound, if it is. */
function lvcmdqOf(context: ContextBlock, { index }: QueueBlock): number | undefined {
  for (let lvcmdq = 0; lvcmdq < context.lvcmdqCount; lvcmdq++)
    if (context.queueOf(lvcmdq) === index) return lvcmdq;
  return undefined;
}

/** A VINTF with its queues. */
export function inspectVintf(vintf: InspectedVintf): VintfInspection {
  const { index, context } = vintf;
  const { enabled, vmid, doorbellCalls, page0 } = context;
  const queues = vintf.queues.map((block, place) => {
    const lvcmdq = lvcmdqOf(context, block) ?? place;
    return inspectQueue(`LVCMDQ ${lvcmdq}`, block, vintf.readPage0(lvcmdq, VCMDQ_PROD));
  });
  return { index, enabled, vmid, doorbellCalls, page0, sidPairs: sidPairs(context), queues };
}

/** A guest's SMMU with what is lent to it. */
export function inspectViommu(
  viommu: InspectedSmmu,
  vintf: InspectedVintf | undefined,
): ViommuInspection {
  const { numbers, index, vmid, overlay, btm, commandQueue, enhancedQueues, context, fd } = viommu;
  const enhanced = enhancedQueues
    .map(({ block, direct }, i) => inspectQueue(`ECMDQ ${i}`, block, prodOf(block, direct)))
    .filter(({ allocated }) => allocated);
  return {
    smmu: numbers[0] ?? 0,
    index,
    vmid,
    overlay: overlay !== undefined,
    btm,
    doorbellCalls: context.doorbellCalls,
    streams: [...viommu.streams].map(([virtual, physical]) => ({ virtual, physical })),
    sidPairs: sidPairs(context),
    queues: [inspectQueue('CMDQ', commandQueue, prodOf(commandQueue, overlay)), ...enhanced],
    ...(vintf && { vintf: inspectVintf(vintf) }),
    counts: viommu.statistics,
    objects: fd.describe(),
  };
}

/** A VM with what the host has lent it. */
export function inspectVm(
  vm: Vm,
  viommus: Iterable<InspectedSmmu>,
  vintfs: Iterable<InspectedVintf>,
): VmInspection {
  const { name, window, memory, references } = vm;
  const lent = [...vintfs];
  const own = [...viommus].filter((viommu) => viommu.vm === vm);
  return {
    name,
    window,
    memory: memory.buffer.byteLength,
    references,
    viommus: own.map((viommu) =>
      inspectViommu(
        viommu,
        lent.find((vintf) => vintf.viommu === viommu),
      ),
    ),
  };
}
