// SPDX-License-Identifier: MIT
// The addresses of devices that are not part of a board.

import { expect, it } from 'vitest';
import type { Device } from '../../../devices/plugin/index.ts';
import { PLUGIN_INTERFACE_VERSION } from '../../../devices/plugin/index.ts';
import { placeDevices } from '../../../vmm/boards/place-devices.ts';

const nothing = () => undefined;
const FREE = { gpa: 0x1000_0000, irq: 40, devices: 8 };

function device(name: string, sizes: readonly number[], interrupts = 1): Device {
  return {
    name,
    interfaceVersion: PLUGIN_INTERFACE_VERSION,
    regions: sizes.map((size) => ({ name: 'registers', size, accessSizes: [4] })),
    identity: { kind: 1, interrupts, busMaster: false },
    attach: nothing,
    reset: nothing,
    read: nothing,
    write: nothing,
    save: () => ({}),
    restore: nothing,
    registerName: () => 'REGISTER',
  };
}

const placesOf = (given: Parameters<typeof placeDevices>[0]) =>
  placeDevices(given, FREE).map(({ addresses, firstIrq }) => [addresses, firstIrq]);

it('devices without a place follow each other, 64 KiB apart', () => {
  expect(
    placesOf([device('a', [0x1000, 0x2000], 3), device('b', [0x11000]), device('c', [0x1000])]),
  ).toEqual([
    [[0x1000_0000, 0x1001_0000], 40],
    [[0x1002_0000], 43],
    [[0x1004_0000], 44],
  ]);
});

it('none removes the address of another one, before or after it', () => {
  const at = { device: device('given', [0x1000], 2), addresses: [0x1001_8000], firstIrq: 41 };
  const [first, second] = [device('first', [0x1000]), device('second', [0x10000], 1)];
  const places = [
    [[0x1000_0000], 40],
    [[0x1001_8000], 41],
    [[0x1002_0000], 43],
  ] as const;
  expect(placesOf([first, at, second])).toEqual(places);
  expect(placesOf([at, first, second])).toEqual([places[1], places[0], places[2]]);
});
