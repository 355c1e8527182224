// SPDX-License-Identifier: MIT
// A disk in a Blob, with a FileReaderSync as in workers.
// test/browser/arm64-threads.test.ts uses a real one.

import { afterEach, describe, expect, it, vi } from 'vitest';
import { BlobDisk, CopyOnWriteDisk } from '../../../devices/virtio/index.ts';

const SIZE = 0x28200;
const BYTES = Uint8Array.from({ length: SIZE }, (_, i) => i ^ (i >> 8) ^ (i >> 16));

/** A Blob whose bytes can be read synchronously, unlike any other in Node.js. */
class OpenBlob extends Blob {
  readonly held: Uint8Array<ArrayBuffer>;
  constructor(bytes: Uint8Array<ArrayBuffer>) {
    super([bytes]);
    this.held = bytes;
  }
  override slice(start = 0, end = this.size): Blob {
    return new OpenBlob(this.held.slice(start, end));
  }
}

/** Lengths of the reads. */
function withReader(): number[] {
  const reads: number[] = [];
  class FileReaderSync {
    readAsArrayBuffer(blob: OpenBlob): ArrayBuffer {
      reads.push(blob.size);
      return blob.held.slice().buffer;
    }
  }
  vi.stubGlobal('FileReaderSync', FileReaderSync);
  return reads;
}
afterEach(() => vi.unstubAllGlobals());

describe('a disk in a Blob', () => {
  it('has the bytes of it, read in pieces, of which it keeps the last', () => {
    const reads = withReader();
    const disk = new BlobDisk(new OpenBlob(BYTES));
    const bytesAt = (offset: number, length: number) => {
      const target = new Uint8Array(length);
      disk.read(offset, target);
      return target;
    };
    expect([disk.size, disk.readOnly]).toEqual([SIZE, true]);
    for (const [offset, length] of [
      [0, 512],
      [0x200, 0x1000],
      [0xfe00, 0x10400],
      [0x28000, 0x200],
      [0x1ffff, 2],
      [0x100, 0],
    ] as const)
      expect(bytesAt(offset, length)).toEqual(BYTES.slice(offset, offset + length));
    expect(reads).toEqual([0x10000, 0x10000, 0x8200, 0x10000, 0x8200]);
  });

  it('whose file has shrunk fails where bytes are missing, and works elsewhere', () => {
    class Shrunk extends OpenBlob {
      override get size(): number {
        return SIZE;
      }
    }
    withReader();
    const disk = new BlobDisk(new Shrunk(BYTES.slice(0, 0x10100)));
    const target = new Uint8Array(0x100);
    for (const offset of [0x10100, 0x10080, 0x20000])
      expect(() => disk.read(offset, target)).toThrow('fewer bytes than its size');
    disk.read(0x10000, target);
    expect(target).toEqual(BYTES.slice(0x10000, 0x10100));
  });

  it('is written through a disk on top of it', () => {
    withReader();
    const disk = new BlobDisk(new OpenBlob(BYTES));
    const over = new CopyOnWriteDisk(disk);
    over.write(0x10, Uint8Array.of(1, 2, 3));
    const target = new Uint8Array(0x20);
    over.read(0, target);
    const expected = BYTES.slice(0, 0x20);
    expected.set([1, 2, 3], 0x10);
    expect(target).toEqual(expected);
    disk.read(0, target);
    expect(target).toEqual(BYTES.slice(0, 0x20));
    expect(() => disk.write()).toThrow('cannot be written to');
  });

  it('refuses other objects than a Blob, ranges outside it, and a thread that cannot read synchronously', () => {
    vi.stubGlobal('FileReaderSync', undefined);
    expect(() => new BlobDisk(new OpenBlob(BYTES))).toThrow('a Blob is a disk in workers');
    withReader();
    expect(() => new BlobDisk(BYTES as unknown as Blob)).toThrow('blob must be a Blob');
    const disk = new BlobDisk(new OpenBlob(BYTES));
    for (const offset of [-1, SIZE - 1, 0.5, Number.NaN])
      expect(() => disk.read(offset, new Uint8Array(2))).toThrow(RangeError);
  });
});
