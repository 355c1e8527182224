// SPDX-License-Identifier: MIT
// Checks that an object has the shape of a device: functions, regions and identity.

import type { AccessSize, Device, DeviceRegion } from './device.ts';
import { DEVICE_CALLS } from './device-calls.ts';
import { checkBoolean, checkInteger, checkList, checkMethods } from './known-values.ts';

const ACCESS_SIZES: readonly unknown[] = [1, 2, 4, 8] satisfies AccessSize[];
const PAGE = 0x1000;
/** Guest physical addresses have 32 bits on every board. */
const MAX_REGION = 2 ** 32;
/** More lines than any interrupt controller here has. */
export const MAX_INTERRUPTS = 1024;

/**
 * @param what the name of the list in messages: "dev: accessSizes".
 * @throws {TypeError} unless it is a non-empty list of access sizes.
 */
export function checkAccessSizes(sizes: unknown, what: string): void {
  if (
    !Array.isArray(sizes) ||
    sizes.length === 0 ||
    sizes.some((size) => !ACCESS_SIZES.includes(size))
  )
    throw new TypeError(`${what} must be a list of 1, 2, 4 and 8, of one of them at least`);
}

function checkRegion(region: DeviceRegion, what: string): void {
  const { size, accessSizes } = (region ?? {}) as Partial<DeviceRegion>;
  checkInteger(size, PAGE, MAX_REGION, `${what}.size`);
  if (Number(size) % PAGE !== 0)
    throw new RangeError(`${what}.size must be a multiple of 4 KiB, not ${size}`);
  checkAccessSizes(accessSizes, `${what}.accessSizes`);
}

/**
 * @param what the name of the device in messages: "DeviceBus: device".
 * @throws {TypeError} for the first of its functions and fields that is missing, or has
 *   the wrong type.
 * @throws {RangeError} for a number that is out of range.
 */
export function checkDeviceShape(device: unknown, what: string): asserts device is Device {
  checkMethods(device, DEVICE_CALLS, what);
  const { regions, identity } = device as Partial<Device>;
  checkList(regions, `${what}: regions`);
  (regions ?? []).forEach((region, i) => {
    checkRegion(region, `${what}: regions[${i}]`);
  });
  const { kind, interrupts, busMaster } = (identity ?? {}) as Partial<Device['identity']>;
  checkInteger(kind, 0, 2 ** 32 - 1, `${what}: identity.kind`);
  checkInteger(interrupts, 0, MAX_INTERRUPTS, `${what}: identity.interrupts`);
  checkBoolean(busMaster, `${what}: identity.busMaster`);
}
