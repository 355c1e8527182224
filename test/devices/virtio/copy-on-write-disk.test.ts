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

it('keeps as much as its limit, and refuses more as a full disk does', () => {
  const disk = new CopyOnWriteDisk(new MemoryDisk(new Uint8Array(SIZE)), 0x2fff);
  const one = Uint8Array.of(1);
  disk.write(0, one);
  disk.write(0x3000, one);
  expect(() => disk.write(0x1000, one)).toThrow('more than 12287 bytes would be kept');
  // What is kept already can be written again, and all can be read.
  disk.write(0xfff, one);
  const read = new Uint8Array(SIZE);
  disk.read(0, read);
  expect([read[0], read[0xfff], read[0x1000], read[0x3000]]).toEqual([1, 1, 0, 1]);
});
