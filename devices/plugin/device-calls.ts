// SPDX-License-Identifier: MIT

import type { Device } from './device.ts';

/** The functions of a device. */
export const DEVICE_CALLS = [
  'attach',
  'reset',
  'read',
  'write',
  'save',
  'restore',
  'registerName',
] as const satisfies readonly (keyof Device)[];
