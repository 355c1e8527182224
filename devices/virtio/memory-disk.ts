// SPDX-License-Identifier: MIT
// A disk in memory, and a disk on top of another one that stays unchanged.

import { checkBytes, checkInteger } from '../plugin/known-values.ts';
import { checkDisk, type Disk } from './disk.ts';

/** @throws {TypeError|RangeError} when the range is not within the disk. */
function checkRange(offset: number, bytes: Uint8Array, size: number, what: string): void {
  checkBytes(bytes, what);
  checkInteger(offset, 0, size - bytes.length, `${what.split(':')[0]}: offset`);
}

/** A disk whose sectors are bytes in memory. */
export class MemoryDisk implements Disk {
  readonly readOnly = false;
  readonly #bytes: Uint8Array;

  /**
   * @param bytes the contents, modified by writes.
   * @throws {TypeError} when they are not bytes.
   */
  constructor(bytes: Uint8Array) {
    checkBytes(bytes, 'MemoryDisk: bytes');
    this.#bytes = bytes;
  }

  get size(): number {
    return this.#bytes.length;
  }

  read(offset: number, target: Uint8Array): void {
    checkRange(offset, target, this.size, 'MemoryDisk.read: target');
    target.set(this.#bytes.subarray(offset, offset + target.length));
  }

  write(offset: number, source: Uint8Array): void {
    checkRange(offset, source, this.size, 'MemoryDisk.write: source');
    this.#bytes.set(source, offset);
  }

  flush(): void {
    // Memory needs no flush.
  }
}

/** Size of the blocks in which written data is stored. */
const BLOCK = 0x1000;
/**
 * A guest can write all of a sparse file, which may be larger than the computer's memory.
 */
const DEFAULT_LIMIT = 2 ** 30;

/**
 * A disk on top of another one: written data stays in memory, and the other disk is
 * unchanged. If there is too much of it, further writes fail, as on a full disk.
 */
export class CopyOnWriteDisk implements Disk {
  readonly readOnly = false;
  readonly #below: Disk;
  readonly #limit: number;
  readonly #blocks = new Map<number, Uint8Array>();

  /**
   * @param limit bytes of written blocks of 4 KiB that are kept. Default: 1 GiB.
   * @throws {TypeError|RangeError} when one of them is not of that kind.
   */
  constructor(below: Disk, limit = DEFAULT_LIMIT) {
    checkDisk(below, 'CopyOnWriteDisk: below');
    checkInteger(limit, 0, Number.MAX_SAFE_INTEGER, 'CopyOnWriteDisk: limit');
    this.#below = below;
    this.#limit = limit;
  }

  get size(): number {
    return this.#below.size;
  }

  /** Calls `part` for the part of a range in each block. */
  #each(
    offset: number,
    length: number,
    part: (block: number, at: number, done: number, count: number) => void,
  ): void {
    for (let done = 0; done < length; ) {
      const block = Math.floor((offset + done) / BLOCK);
      const at = (offset + done) % BLOCK;
      const count = Math.min(BLOCK - at, length - done);
      part(block, at, done, count);
      done += count;
    }
  }

  read(offset: number, target: Uint8Array): void {
    checkRange(offset, target, this.size, 'CopyOnWriteDisk.read: target');
    this.#each(offset, target.length, (block, at, done, count) => {
      const own = this.#blocks.get(block);
      const part = target.subarray(done, done + count);
      if (own) part.set(own.subarray(at, at + count));
      else this.#below.read(offset + done, part);
    });
  }

  /** @throws {RangeError} beyond the limit; a part may have been written. */
  write(offset: number, source: Uint8Array): void {
    checkRange(offset, source, this.size, 'CopyOnWriteDisk.write: source');
    this.#each(offset, source.length, (block, at, done, count) => {
      const own = this.#blocks.get(block) ?? this.#copied(block);
      own.set(source.subarray(done, done + count), at);
    });
  }

  #copied(block: number): Uint8Array {
    if ((this.#blocks.size + 1) * BLOCK > this.#limit)
      throw new RangeError(`CopyOnWriteDisk: more than ${this.#limit} bytes would be kept`);
    const bytes = new Uint8Array(BLOCK);
    const at = block * BLOCK;
    this.#below.read(at, bytes.subarray(0, Math.min(BLOCK, this.size - at)));
    this.#blocks.set(block, bytes);
    return bytes;
  }

  flush(): void {
    // Memory needs no flush.
  }
}
