// SPDX-License-Identifier: MIT
// A guest's AMD IOMMU as plain data, and its footprint.

import { AMD_COMMAND_TAIL, AMD_ENTRY_SIZE } from '../../assembly/layout/amd-formats.ts';
import { TLB_ENTRY_SIZE } from '../../assembly/layout/iotlb-memory.ts';
import type { AmdGuestBlock } from '../../devices/amd-iommu/index.ts';
import { smmuBase } from '../../devices/unit/index.ts';
import type { ObjectDescription } from '../../host/iommufd/index.ts';
import { FNV_OFFSET, hashWords, type MachineFootprint, memoryFootprint } from './footprint.ts';
import { type AmdViommuInspection, inspectQueue } from './host-inspection.ts';
import { eachLiveTlbEntry } from './iotlb-view.ts';

/** A guest's AMD IOMMU on the host's side. */
export interface InspectedAmdIommu {
  readonly hostMemory: WebAssembly.Memory;
  readonly block: AmdGuestBlock;
  readonly fd: { describe(): readonly ObjectDescription[] };
  /** Physical DeviceIDs by the guest's. */
  readonly deviceIds: ReadonlyMap<number, number>;
  /** Physical DomainIDs by the guest's. */
  readonly domainIds: ReadonlyMap<number, number>;
}

const pairs = (ids: ReadonlyMap<number, number>) =>
  [...ids].map(([virtual, physical]) => ({ virtual, physical }));

/** A guest's IOMMU with what the host has lent it. */
export function inspectAmdViommu(amd: InspectedAmdIommu): AmdViommuInspection {
  const { block, fd, deviceIds, domainIds } = amd;
  const tail = Math.floor(block.readPointer(AMD_COMMAND_TAIL) / AMD_ENTRY_SIZE);
  return {
    guestId: block.guest,
    doorbellCalls: block.doorbellCalls,
    eventsLost: block.eventsLost,
    devices: pairs(deviceIds),
    domains: pairs(domainIds),
    queues: [
      {
        ...inspectQueue('command buffer', block.queue, tail),
        kind: 'AMD',
        mappedAt: block.page,
      },
    ],
    objects: fd.describe(),
  };
}

/** `machineFootprint` of a machine with an AMD IOMMU. */
export function amdFootprint(
  memory: WebAssembly.Memory,
  { hostMemory, block, deviceIds, domainIds }: InspectedAmdIommu,
): MachineFootprint {
  const words = new Uint32Array(hostMemory.buffer);
  const own = new Set(domainIds.values());
  const entries = { count: 0, hash: FNV_OFFSET };
  eachLiveTlbEntry(hostMemory, smmuBase(0), ({ address, vmid }) => {
    if (!own.has(vmid)) return;
    entries.count++;
    entries.hash = hashWords(
      words.subarray(address >> 2, (address + TLB_ENTRY_SIZE) >> 2),
      entries.hash,
    );
  });
  const state = Uint32Array.from([
    ...block.saveBuffers(),
    block.control,
    ...[...deviceIds, ...domainIds].flat(),
  ]);
  return {
    'IOTLB entries': entries,
    'queues and contexts': { count: state.length, hash: hashWords(state) },
    'guest memory': memoryFootprint(memory, undefined),
  };
}
