// SPDX-License-Identifier: MIT
// Places on a board for devices that are not part of it.

import { checkInterfaceVersion, checkPlacement, type Placement } from '../../devices/bus/index.ts';
import { BoardError, type Device } from '../../devices/plugin/index.ts';
import type { Board } from './board.ts';

const REGION_ALIGNMENT = 0x10000;
const METHODS = ['attach', 'reset', 'read', 'write', 'save', 'restore', 'registerName'] as const;

function isPlacement(given: Device | Placement): given is Placement {
  return 'device' in given;
}

/**
 * That it is a device at all, by its shape: plugins may come from anywhere.
 * @param place names it in messages: "devices[0]".
 * @throws {BoardError}
 */
function checkDevice(device: Device, place: string): void {
  const refuse = (what: string) => {
    throw new BoardError('plugin-failed', `${place} is no device: ${what}`);
  };
  if (typeof device !== 'object' || device === null)
    refuse(`it is ${device === null ? 'null' : `a ${typeof device}`}`);
  if (typeof device.name !== 'string' || device.name === '') refuse('it has no name');
  checkInterfaceVersion(device);
  for (const method of METHODS)
    if (typeof device[method] !== 'function') refuse(`${device.name} has no ${method}()`);
  if (!Array.isArray(device.regions) || device.regions.length === 0)
    refuse(`${device.name} has no regions`);
  if (typeof device.identity?.kind !== 'number') refuse(`${device.name} has no identity`);
}

/**
 * Devices and where they go: each at the address and interrupt lines that it was given, else after
 * those before it.
 * @param free what the board has left.
 * @throws {BoardError} when one is no device, or there are too many.
 */
export function placeDevices(
  given: readonly (Device | Placement)[],
  free: Board['free'],
): Placement[] {
  let { gpa, irq } = free;
  if (given.length > free.devices) {
    throw new BoardError(
      'placement',
      `there is room for ${free.devices} devices more, not for ${given.length}`,
    );
  }
  return given.map((one, i) => {
    if (typeof one === 'object' && one !== null && isPlacement(one)) {
      checkDevice(one.device, `devices[${i}]`);
      checkPlacement(one);
      return one;
    }
    checkDevice(one, `devices[${i}]`);
    const addresses = one.regions.map(({ size }) => {
      const address = gpa;
      gpa += Math.ceil(size / REGION_ALIGNMENT) * REGION_ALIGNMENT;
      return address;
    });
    const firstIrq = irq;
    irq += one.identity.interrupts;
    return { device: one, addresses, firstIrq };
  });
}
