// SPDX-License-Identifier: MIT
// Checks the host in a trace file before it is shown: the file may come from a stranger.

import * as v from 'valibot';
import type { HostInspection } from '../vmm/api/index.ts';

/** Limit for the depth of objects of an iommufd; a HW_QUEUE is the deepest, well within it. */
const MAX_DEPTH = 16;

const text = v.string();
const number = v.pipe(v.number(), v.finite());
const counts = v.record(text, number);
const PAIR = v.object({ pair: number, virtual: number, physical: number });
const QUEUE = v.object({
  ...{ name: text, kind: text, block: number, allocated: v.boolean(), entries: number },
  ...{ prod: number, cons: number, state: text, error: number, mappedAt: v.optional(number) },
  ...{ commands: number, syncs: number, errors: number, rewrites: number },
});
const OBJECT = v.object({
  ...{ id: number, type: text, users: number, keeps: v.array(number) },
  details: v.record(text, v.union([text, number])),
});
type KeptObject = v.InferOutput<typeof OBJECT>;

/** Each object occurs once, at a limited depth below the first that it keeps: a tree. */
function areTrees(objects: KeptObject[]): boolean {
  const above = new Map(objects.map(({ id, keeps: [first] }) => [id, first]));
  if (above.size !== objects.length) return false;
  return objects.every(({ id }) => {
    let at: number | undefined = id;
    for (let depth = 0; at !== undefined; depth++) {
      if (depth === MAX_DEPTH) return false;
      at = above.get(at);
    }
    return true;
  });
}

const VINTF = v.object({
  ...{ index: number, enabled: v.boolean(), vmid: number, doorbellCalls: number },
  ...{ page0: v.optional(number), sidPairs: v.array(PAIR), queues: v.array(QUEUE) },
});
const VIOMMU = v.object({
  ...{ smmu: number, index: number, vmid: number, overlay: v.boolean(), btm: v.boolean() },
  ...{ doorbellCalls: v.optional(number), counts },
  streams: v.array(v.object({ virtual: number, physical: number })),
  ...{ sidPairs: v.array(PAIR), queues: v.array(QUEUE), vintf: v.optional(VINTF) },
  objects: v.pipe(v.array(OBJECT), v.check(areTrees)),
});
const VM = v.object({
  ...{ name: text, window: number, memory: number, references: number },
  viommus: v.array(VIOMMU),
});
const COUNTERS = v.objectWithRest({ events: counts }, number);
const OWNED = v.object({
  ...{ machine: text, streams: v.array(number), queues: v.array(QUEUE) },
  ...{ vintfs: v.array(VINTF), counts: COUNTERS },
});
const INSPECTION = v.object({
  vmids: v.object({ bits: number, pinned: number, pinnable: number, generation: number }),
  ramInUse: number,
  smmus: v.array(
    v.object({
      vintfsInUse: number,
      counts: COUNTERS,
    }),
  ),
  vms: v.array(VM),
  owned: v.optional(v.array(OWNED)),
});

/** The host in a trace, without unknown members; undefined if it is damaged. */
export function hostInspectionOf(value: unknown): HostInspection | undefined {
  const found = v.safeParse(INSPECTION, value);
  return found.success ? (found.output as unknown as HostInspection) : undefined;
}
