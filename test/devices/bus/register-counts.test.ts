// SPDX-License-Identifier: MIT

import { expect, it } from 'vitest';
import { RegisterCounts } from '../../../devices/bus/index.ts';
import { ScratchDevice } from '../../support/scratch-device.ts';

class NamedWords extends ScratchDevice {
  override registerName(_region: number, offset: number): string {
    // The last two have one name.
    return offset >= 0x1ff8 ? 'LAST' : `R${offset.toString(16)}`;
  }
}

const MOUNTS = ['one', 'two'].map((name, i) => ({
  device: new NamedWords({ name, size: 0x2000 }),
  region: 0,
  address: 0x10000 * i,
}));

it('counts each word of each mount, and names what was accessed in ascending order', () => {
  const counts = new RegisterCounts();
  expect(counts.byName(MOUNTS)).toEqual({});
  const accesses: [mount: number, offset: number][] = [
    [1, 0x1ffc],
    [0, 0x1004],
    [1, 0x1ff8],
    [0, 0x10],
    [0, 0],
    [1, 0],
    [0, 0x12],
    [1, 0x1ff8],
  ];
  for (const [mount, offset] of accesses) counts.countRegister(mount, offset);
  expect(Object.entries(counts.byName(MOUNTS))).toEqual([
    ['one.R0', 1],
    ['one.R10', 2],
    ['one.R1004', 1],
    ['two.R0', 1],
    ['two.LAST', 3],
  ]);
  counts.countRegister(0, 0x1004);
  expect(counts.byName(MOUNTS)).toMatchObject({ 'one.R1004': 2, 'one.R0': 1 });
});
