// SPDX-License-Identifier: MIT

import type { DeviceRegion } from './device.ts';
import { uint } from './option-kinds.ts';

/**
 * The name in traces of an offset without a register.
 * @throws {TypeError|RangeError} when the offset is not an integer of at least 0.
 */
export function unnamedRegister(region: DeviceRegion | undefined, offset: number): string {
  if (region !== undefined && typeof region?.name !== 'string')
    throw new TypeError('unnamedRegister: region must be a region of a device');
  uint(offset, 'unnamedRegister', 'offset');
  return `${region?.name ?? 'region'}+0x${offset.toString(16)}`;
}
