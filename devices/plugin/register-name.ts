// SPDX-License-Identifier: MIT

import type { DeviceRegion } from './device.ts';

/** What a trace calls an offset that holds no register. */
export function unnamedRegister(region: DeviceRegion | undefined, offset: number): string {
  return `${region?.name ?? 'region'}+0x${offset.toString(16)}`;
}
