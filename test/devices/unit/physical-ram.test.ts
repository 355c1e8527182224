// SPDX-License-Identifier: MIT
// Window 0 of the physical address map, as addressed by devices and the host's drivers.

import { describe, expect, it } from 'vitest';
import { createHostMemory, PhysicalRam } from '../../../devices/unit/index.ts';

const SIZE = 0x10000;
const ram = () => new PhysicalRam(createHostMemory({ ramSize: SIZE }));

describe('host RAM', () => {
  it.each([
    ['all of it', 0, SIZE, true],
    ['its last byte', SIZE - 1, 1, true],
    ['a range over its end', SIZE - 8, 16, false],
    ['one byte more than all of it', 0, SIZE + 1, false],
    ['the byte after it', SIZE, 1, false],
  ])('%s', (_what, pa, length, isRam) => {
    expect(ram().bytes(pa, length)?.length).toBe(isRam ? length : undefined);
  });

  it('has no range that starts before it', () => {
    expect(() => ram().bytes(-8, 16)).toThrow('PhysicalRam: pa must be an integer from 0');
  });

  it('has words up to its end, and none beyond', () => {
    const memory = ram();
    expect([memory.store64(SIZE - 8, 5n), memory.load64(SIZE - 8)]).toEqual([true, 5n]);
    expect([memory.store64(SIZE, 5n), memory.load64(SIZE)]).toEqual([false, undefined]);
    expect([memory.store32(SIZE - 4, 1), memory.store32(SIZE, 1)]).toEqual([true, false]);
  });

  it('is handed out as itself, no copy', () => {
    const memory = ram();
    memory.bytes(0x100, 8)?.fill(0xff);
    expect(memory.load64(0x100)).toBe(2n ** 64n - 1n);
  });
});
