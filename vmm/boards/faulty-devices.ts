// SPDX-License-Identifier: MIT
// Fault injection into the devices of a board, by the option `faults` of a machine.

import type { Placement } from '../../devices/bus/index.ts';
import { type AbortFetches, type DeviceFaults, FaultyDevice } from '../../devices/faults/index.ts';
import type { LentVintf, NestedSmmu } from '../nested/index.ts';

/** A guest's SMMU and the VINTF that is lent to it. */
interface AbortingSmmu {
  readonly smmu: NestedSmmu;
  readonly vintf: LentVintf;
}

/**
 * Makes the fetches of all command queues of a guest end in external aborts, until the
 * returned function is called.
 */
export function abortFetches(smmus: readonly AbortingSmmu[]): () => void {
  const undo = smmus
    .flatMap(({ smmu, vintf }) => [smmu, ...vintf.queues])
    .map((one) => one.abortFetches());
  return () => {
    for (const restore of undo) restore();
  };
}

/**
 * The devices, wrapped if there are faults.
 * @param abort implements `fetchAborts`; undefined when it has no effect.
 */
export function withFaults(
  faults: DeviceFaults | undefined,
  abort: AbortFetches | undefined,
  devices: readonly Placement[],
): readonly Placement[] {
  if (!faults) return devices;
  return devices.map((one) => ({ ...one, device: new FaultyDevice(one.device, faults, abort) }));
}
