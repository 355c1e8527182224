// SPDX-License-Identifier: MIT
// Check of a transport's argument: a kind of device that its user may have written.

import { checkOptionalMethods } from '../plugin/known-names.ts';
import { checkBoolean, checkInteger, checkList, checkMethods } from '../plugin/known-values.ts';
import type { VirtioFunction } from './virtio-function.ts';

/**
 * @param what the transport's name in messages: "VirtioMmio".
 * @throws {TypeError} when the device is not one, or has a function with a misspelt name.
 */
export function checkVirtioFunction(device: VirtioFunction, what: string): void {
  checkMethods(device, ['begin'], `${what}: the device`);
  checkOptionalMethods(device, ['wants', 'reset'], `${what}: the device`);
  checkInteger(device.deviceId, 1, 0xffff, `${what}: deviceId of the device`);
  if (typeof device.features !== 'bigint')
    throw new TypeError(`${what}: features of the device must be a bigint`);
  checkList(device.queueSizes, `${what}: queueSizes of the device`);
  if (!(device.config instanceof Uint8Array))
    throw new TypeError(`${what}: config of the device must be a Uint8Array`);
  checkBoolean(device.supportsLegacy ?? false, `${what}: supportsLegacy of the device`);
}
