// SPDX-License-Identifier: MIT
// The values compared from run to run: ratios to something else of the same rounds,
// because times on a busy machine are meaningless by themselves.

import type { Ratios } from '../measure.ts';
import type { Results } from '../results.ts';

/** The ratios of a run, as "part: what / reference". */
export function ratiosOf({ core = {}, drain, targets, dma }: Results): Ratios {
  const ratios: Record<string, number> = {};
  for (const [name, ratio] of Object.entries(core)) ratios[`core: ${name}`] = ratio;
  for (const { opcode, batch, iotlb, ratio } of drain?.rows ?? [])
    if (ratio !== undefined)
      ratios[`drain: ${opcode}, batch ${batch}, IOTLB ${iotlb} / C`] = 1 / ratio;
  for (const [batch, ratio] of Object.entries(targets?.directToTrapped ?? {}))
    ratios[`paths: direct / trapped, batch ${batch}`] = ratio;
  if (targets) ratios['paths: TLBI by a drain thread / handoff'] = targets.threadToHandoff;
  for (const { transfer, layout, ratio } of dma?.rows ?? [])
    ratios[`dma: ${transfer / 1024} KiB, ${layout} / copies`] = ratio;
  return ratios;
}

/** The part of a run that a ratio belongs to. */
export function partOf(name: string): string {
  return name.split(':', 1)[0] ?? '';
}
