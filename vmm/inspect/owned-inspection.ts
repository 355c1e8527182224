// SPDX-License-Identifier: MIT
// A physical SMMU that a machine owns as plain data.

import { inspectVintf, inspectViommu, type OwnedSmmuInspection } from './host-inspection.ts';
import type { OwnedSmmu } from './inspected.ts';
import { smmuCounters } from './smmu-counters.ts';

/** The SMMU, and those of its VINTFs that its machine uses. */
export function inspectOwned({ smmu, vintfs }: OwnedSmmu): OwnedSmmuInspection {
  return {
    machine: smmu.owner,
    streams: [...smmu.streams.values()],
    queues: inspectViommu(smmu, undefined).queues,
    vintfs: vintfs.map(inspectVintf).filter(({ enabled, queues }) => enabled || queues.length > 0),
    counts: smmuCounters(smmu.hostMemory, smmu.smmuBlock),
  };
}
