// SPDX-License-Identifier: MIT
// A disk that keeps written data separate from the underlying disk.

import { expect, it } from 'vitest';
import { CopyOnWriteDisk, MemoryDisk } from '../../../devices/virtio/index.ts';

const SIZE = 0x5200;

it('reads what is below until it is written, to the byte, and changes nothing below', () => {
  const original = Uint8Array.from({ length: SIZE }, (_, i) => (i * 7 + (i >> 8)) & 0xff);
  const below = original.slice();
  const disk = new CopyOnWriteDisk(new MemoryDisk(below));
  const expected = original.slice();
  const read = (offset: number, length: number) => {
    const target = new Uint8Array(length).fill(0xee);
    disk.read(offset, target);
    return target;
  };
  expect(disk.size).toBe(SIZE);
  expect(read(0, SIZE)).toEqual(original);
  // Within a block, across the end of one, and up to the last byte, which is not the end
  // of a block.
  for (const [offset, length] of [
    [0x1003, 5],
    [0x2ffe, 4],
    [SIZE - 1, 1],
  ] as const) {
    const bytes = new Uint8Array(length).fill(0x99);
    disk.write(offset, bytes);
    expected.set(bytes, offset);
    expect(read(0, SIZE)).toEqual(expected);
    expect(read(offset - 2, 3)).toEqual(expected.subarray(offset - 2, offset + 1));
  }
  expect(below).toEqual(original);
});
