// SPDX-License-Identifier: MIT
// The table of direct maps that arm64 vCPUs read, word by word.

import { expect, it } from 'vitest';
import { Arm64DirectMaps } from '../../../../vmm/vcpu/arm64/index.ts';

const TABLE = 0x400;

it('a table of direct maps has its entries as the vCPU reads them, and none after a reset', () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const maps = new Arm64DirectMaps({ memory, maps: TABLE, directPages: [0x8000] });
  const table = new Uint32Array(memory.buffer, TABLE, 4 + 16 * 8);
  const entry = (index: number) => [...table.subarray(4 + 8 * index, 12 + 8 * index)];
  const NONE = [0, 0, 0, 0, 0, 0, 0, 0];
  const map = { length: 0x1000, memoryOffset: 0x8000 };
  maps.set(1, { ...map, gpa: 0x1_0902_0000, doorbell: 5, rings: true });
  expect(table[0]).toBe(2);
  expect([entry(0), entry(1)]).toEqual([NONE, [0x0902_0000, 1, 0x1000, 0x8000, 1, 5, 0, 0]]);
  maps.set(0, { ...map, gpa: 0x0903_0000, doorbell: undefined, rings: false });
  expect([table[0], entry(0)]).toEqual([2, [0x0903_0000, 0, 0x1000, 0x8000, 0, 0, 0, 0]]);
  maps.setRinging(0, true);
  maps.clear(1);
  expect([entry(0)[4], entry(1)[2], table[0]]).toEqual([1, 0, 2]);
  maps.reset();
  expect([table[0], entry(0)[2], entry(1)[2]]).toEqual([0, 0, 0]);
});
