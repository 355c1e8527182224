// SPDX-License-Identifier: MIT
// Guest memory as addressed by devices: a range that is not entirely in one region cannot
// be accessed.

import { describe, expect, it } from 'vitest';
import { guestMemoryOf, offsetOfGpa } from '../../../devices/bus/index.ts';

/**
 * Two regions that are adjacent as guest-physical addresses, and in the opposite order in
 * memory.
 */
const REGIONS = [
  { gpa: 0x8000_0000, offset: 0x2000, size: 0x1000 },
  { gpa: 0x8000_1000, offset: 0x0000, size: 0x1000 },
];

describe('the offset of a guest-physical address', () => {
  it.each([
    ['the first byte', 0x8000_0000, 1, 0x2000],
    ['a whole region', 0x8000_0000, 0x1000, 0x2000],
    ['the last byte', 0x8000_0fff, 1, 0x2fff],
    ['the next region', 0x8000_1000, 0x10, 0x0000],
    ['the byte before the regions', 0x7fff_ffff, 1, -1],
    ['a range that starts before them', 0x7fff_fff8, 0x10, -1],
    ['a range over the end of a region into the next', 0x8000_0ff8, 0x10, -1],
    ['a range over the end of the last', 0x8000_1ff8, 0x10, -1],
    ['the byte after them', 0x8000_2000, 1, -1],
    ['more than a region', 0x8000_0000, 0x1001, -1],
  ])('%s', (_what, gpa, length, offset) => {
    expect(offsetOfGpa(REGIONS, gpa, length)).toBe(offset);
  });
});

describe('words of guest memory', () => {
  const wasm = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const memory = guestMemoryOf(wasm, [{ gpa: 0x4000, offset: 0x100, size: 0x14 }]);

  it('are read and written up to the last whole one', () => {
    expect([memory.store64(0x4008, -2n), memory.load64(0x4008)]).toEqual([true, 2n ** 64n - 2n]);
    expect([memory.store32(0x4010, 7), new Int32Array(wasm.buffer)[0x110 >> 2]]).toEqual([true, 7]);
  });

  it('are accessed at the beginning of the memory', () => {
    const first = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    const ram = guestMemoryOf(first, [{ gpa: 0x4000, offset: 0, size: 0x10 }]);
    const bytes = new DataView(first.buffer);
    expect([ram.store64(0x4000, 5n), bytes.getBigUint64(0, true)]).toEqual([true, 5n]);
    expect([ram.store32(0x4000, 6), bytes.getUint32(0, true)]).toEqual([true, 6]);
    expect(ram.load64(0x4000)).toBe(6n);
  });

  it('are not accessed if a part of one is outside', () => {
    expect([memory.store64(0x4010, 1n), memory.load64(0x4010)]).toEqual([false, undefined]);
    expect([memory.store32(0x4014, 1), memory.load64(0x3ff8)]).toEqual([false, undefined]);
    expect(new Int32Array(wasm.buffer)[0x114 >> 2]).toBe(0);
  });

  it('are out of reach where they are not aligned', () => {
    expect([memory.store64(0x4004, 1n), memory.load64(0x4004)]).toEqual([false, undefined]);
    expect(memory.store32(0x4002, 1)).toBe(false);
  });
});
