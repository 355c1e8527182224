// SPDX-License-Identifier: MIT
// Where the devices of a machine may not lie.

import type { MemoryRegion } from '../../assembly/load.ts';
import type { Placement } from '../../devices/bus/index.ts';
import { BoardError } from '../../devices/plugin/index.ts';

/**
 * The devices as they are.
 * @param ram of the machine, by gpa: an access there never reaches a device.
 * @throws {BoardError} when a region of one lies in RAM.
 */
export function outsideRam(
  devices: readonly Placement[],
  ram: readonly MemoryRegion[],
): readonly Placement[] {
  for (const { device, addresses } of devices) {
    for (const [i, { size }] of device.regions.entries()) {
      const at = addresses[i] ?? 0;
      const found = ram.find(({ gpa, size: bytes }) => at < gpa + bytes && gpa < at + size);
      if (found)
        throw new BoardError(
          'placement',
          `${device.name} at 0x${at.toString(16)} lies in RAM, which begins at 0x${found.gpa.toString(16)}`,
        );
    }
  }
  return devices;
}
