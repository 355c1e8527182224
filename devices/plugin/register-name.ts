// SPDX-License-Identifier: MIT

import type { DeviceRegion } from './device.ts';
import { uint } from './option-kinds.ts';

/**
 * What a trace calls an offset that holds no register.
 * @throws {TypeError|RangeError} when the offset is no integer from 0.
 */
export function unnamedRegister(region: DeviceRegion | undefined, offset: number): string {
  if (region !== undefined && typeof region?.name !== 'string')
    throw new TypeError('unnamedRegister: region must be a region of a device');
  uint(offset, 'unnamedRegister', 'offset');
  return `${region?.name ?? 'region'}+0x${offset.toString(16)}`;
}
