// SPDX-License-Identifier: MIT
// Checks that no device overlaps a machine's RAM.

import type { MemoryRegion } from '../../assembly/load.ts';
import { overlapText, type Placement, rangesOverlap } from '../../devices/bus/index.ts';
import { BoardError } from '../../devices/plugin/index.ts';

/**
 * Returns the devices unchanged.
 * @param ram of the machine, by gpa: an access there never reaches a device.
 * @throws {BoardError} when a region of one overlaps RAM.
 */
export function outsideRam(
  devices: readonly Placement[],
  ram: readonly MemoryRegion[],
): readonly Placement[] {
  for (const { device, addresses } of devices) {
    for (const [i, { size }] of device.regions.entries()) {
      const region = { name: device.name, gpa: addresses[i] ?? 0, size };
      const found = ram.find((one) => rangesOverlap(one, region));
      if (found) throw new BoardError('placement', overlapText(region, { ...found, name: 'RAM' }));
    }
  }
  return devices;
}
