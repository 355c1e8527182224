// SPDX-License-Identifier: MIT

import { expect, it } from 'vitest';
import { clearMemory } from '../../../../vmm/vcpu/wasm/clear-memory.ts';

const FROM = 0x20000;

it.each([true, false])(
  'zeroes each byte from its offset on, and none before: shared %s',
  (shared) => {
    const memory = new WebAssembly.Memory({ initial: 5, maximum: 5, shared });
    const bytes = new Uint8Array(memory.buffer);
    const { length } = bytes;
    const places = [
      FROM,
      FROM + 5,
      FROM + 10,
      FROM + 15,
      FROM + 0xffff,
      FROM + 0x10000,
      length - 1,
    ];
    for (const place of [FROM - 1, ...places]) {
      bytes.fill(0xff, 0, FROM);
      bytes[place] = 0x80;
      clearMemory(memory, FROM);
      expect(
        bytes.subarray(FROM).findIndex((byte) => byte !== 0),
        `byte ${place}`,
      ).toBe(-1);
      expect(bytes.subarray(0, FROM - 1).findIndex((byte) => byte !== 0xff)).toBe(-1);
      expect(bytes[FROM - 1]).toBe(place === FROM - 1 ? 0x80 : 0xff);
    }
    bytes.fill(0xff);
    clearMemory(memory, FROM);
    expect(bytes.lastIndexOf(0xff)).toBe(FROM - 1);
  },
);
