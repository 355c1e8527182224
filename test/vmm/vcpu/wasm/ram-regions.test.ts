// SPDX-License-Identifier: MIT

import { expect, it } from 'vitest';
import { ramRegions } from '../../../../vmm/vcpu/wasm/index.ts';

it('RAM is the memory above the ABI area, and ends at 4 GiB at the latest', () => {
  const memory = new WebAssembly.Memory({ initial: 32, maximum: 32, shared: true });
  expect(ramRegions(memory, 0x80000000)).toEqual([
    { gpa: 0x80100000, offset: 0x100000, size: 0x100000 },
  ]);
  expect(ramRegions(memory, 0xffe00000)).toEqual([
    { gpa: 0xfff00000, offset: 0x100000, size: 0x100000 },
  ]);
  expect(() => ramRegions(memory, 0xffe10000)).toThrow(
    '2 MiB of memory at 0xffe10000 end above 4 GiB: there is room for 1.9375 MiB',
  );
});
