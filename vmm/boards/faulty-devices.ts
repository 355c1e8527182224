// SPDX-License-Identifier: MIT
// Devices of a board on a bad day: what goes wrong with them by `faults` of a machine.

import type { Placement } from '../../devices/bus/index.ts';
import { type AbortFetches, type DeviceFaults, FaultyDevice } from '../../devices/faults/index.ts';
import type { LentVintf, NestedSmmu } from '../nested/index.ts';

/** A guest's SMMU with the VINTF that it has borrowed. */
interface AbortingSmmu {
  readonly smmu: NestedSmmu;
  readonly vintf: LentVintf;
}

/** Has the fetches of all command queues of a guest end in external aborts, until the result is called. */
export function abortFetches(smmus: readonly AbortingSmmu[]): () => void {
  const undo = smmus
    .flatMap(({ smmu, vintf }) => [smmu, ...vintf.queues])
    .map((one) => one.abortFetches());
  return () => {
    for (const restore of undo) restore();
  };
}

/**
 * The devices on a bad day, or as they are.
 * @param abort what `fetchAborts` needs. Undefined: there are none.
 */
export function withFaults(
  faults: DeviceFaults | undefined,
  abort: AbortFetches | undefined,
  devices: readonly Placement[],
): readonly Placement[] {
  if (!faults) return devices;
  return devices.map((one) => ({ ...one, device: new FaultyDevice(one.device, faults, abort) }));
}
