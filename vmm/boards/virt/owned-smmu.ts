// SPDX-License-Identifier: MIT
// An SMMU that a guest owns, in the form that inspection and the sanitizer use: nothing
// is lent.

import {
  CMDQV_LOGICAL_PAGE0,
  CMDQV_LOGICAL_STRIDE,
  VCMDQ_STRIDE,
} from '../../../assembly/layout/cmdqv-registers.ts';
import { CTX_HOST } from '../../../assembly/layout/context-memory.ts';
import { QUEUE_MAIN } from '../../../assembly/layout/queue-memory.ts';
import type { Device } from '../../../devices/plugin/index.ts';
import { ContextBlock, QueueBlock, smmuBase } from '../../../devices/unit/index.ts';
import type { InspectedSmmu, InspectedVintf } from '../../inspect/index.ts';
import type { DirectContext } from '../../threads/index.ts';

/** The machine's one SMMU, on its own hardware. */
const SMMU_INDEX = 0;

/**
 * @param owner name of the machine.
 * @param streams StreamIDs of its bus masters.
 */
export function ownedSmmu(
  owner: string,
  hostMemory: WebAssembly.Memory,
  streams: readonly number[],
): InspectedSmmu {
  return {
    owner,
    vm: undefined,
    hostMemory,
    fd: { describe: () => [] },
    numbers: [SMMU_INDEX],
    index: 0,
    vmid: 0,
    btm: false,
    smmuBlock: smmuBase(SMMU_INDEX),
    context: new ContextBlock(hostMemory, SMMU_INDEX, CTX_HOST),
    commandQueue: new QueueBlock(hostMemory, SMMU_INDEX, QUEUE_MAIN),
    overlay: undefined,
    enhancedQueues: [],
    streams: new Map(streams.map((sid) => [sid, sid])),
    // Its events belong to its guest, which also controls stage 2.
    statistics: { events: 0, stage2Faults: 0, interventions: 0 },
    shown: { beyond: { commands: 0, cds: 0, tables: 0 } },
    guestStes: undefined,
  };
}

/**
 * A VINTF of the CMDQV of such an SMMU, with the VCMDQs that its guest has bound to it.
 */
export function ownedVintf(
  viommu: InspectedSmmu,
  cmdqv: Device,
  index: number,
  lvcmdqs: number,
): InspectedVintf & DirectContext {
  const { hostMemory, smmuBlock } = viommu;
  const context = new ContextBlock(hostMemory, SMMU_INDEX, index);
  return {
    viommu,
    smmuBlock,
    index,
    context,
    get queues() {
      return Array.from({ length: lvcmdqs }, (_, lvcmdq) => context.queueOf(lvcmdq))
        .filter((vcmdq) => vcmdq !== undefined)
        .map((vcmdq) => new QueueBlock(hostMemory, SMMU_INDEX, vcmdq));
    },
    readPage0(lvcmdq, register) {
      const offset =
        CMDQV_LOGICAL_PAGE0 + index * CMDQV_LOGICAL_STRIDE + lvcmdq * VCMDQ_STRIDE + register;
      const access = { region: 0, offset, size: 4 as const, lo: 0, hi: 0, vcpu: 0 };
      cmdqv.read(access);
      return access.lo;
    },
  };
}
