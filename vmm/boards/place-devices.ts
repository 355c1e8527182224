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
 * Checks the shape of a device: plugins may come from anywhere.
 * @param place its name in messages: "devices[0]".
 * @throws {BoardError}
 */
function checkDevice(device: Device, place: string): void {
  const refuse = (what: string) => {
    throw new BoardError('plugin-failed', `${place} is not a device: ${what}`);
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

/** From `start`, up to `end`. */
interface Range {
  readonly start: number;
  readonly end: number;
}

/** First free place for `length`, from `from` on, in steps of `step`. */
function freePlace(from: number, length: number, step: number, taken: readonly Range[]): number {
  let place = from;
  for (;;) {
    const blocking = taken.find(({ start, end }) => place < end && start < place + length);
    if (!blocking) return place;
    place = Math.ceil(blocking.end / step) * step;
  }
}

/**
 * Assigns places to devices: the given address and interrupt lines of each, otherwise the
 * next free ones.
 * @param free the board's free places.
 * @throws {BoardError} when one is not a device, or there are too many.
 */
export function placeDevices(
  given: readonly (Device | Placement)[],
  free: Board['free'],
): Placement[] {
  if (given.length > free.devices) {
    throw new BoardError(
      'placement',
      `there is room for ${free.devices} devices more, not for ${given.length}`,
    );
  }
  const memory: Range[] = [];
  const lines: Range[] = [];
  const take = ({ device, addresses, firstIrq }: Placement) => {
    device.regions.forEach(({ size }, i) => {
      const start = addresses[i] ?? 0;
      memory.push({ start, end: start + size });
    });
    if (firstIrq !== undefined)
      lines.push({ start: firstIrq, end: firstIrq + device.identity.interrupts });
  };
  given.forEach((one, i) => {
    const placement = typeof one === 'object' && one !== null && isPlacement(one);
    checkDevice(placement ? one.device : one, `devices[${i}]`);
    if (!placement) return;
    checkPlacement(one);
    take(one);
  });
  return given.map((one) => {
    if (isPlacement(one)) return one;
    let { gpa } = free;
    const addresses = one.regions.map(({ size }) => {
      const address = freePlace(gpa, size, REGION_ALIGNMENT, memory);
      gpa = Math.ceil((address + size) / REGION_ALIGNMENT) * REGION_ALIGNMENT;
      return address;
    });
    const firstIrq = freePlace(free.irq, one.identity.interrupts, 1, lines);
    const placement = { device: one, addresses, firstIrq };
    take(placement);
    return placement;
  });
}
