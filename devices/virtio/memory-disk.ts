// SPDX-License-Identifier: MIT
// A disk in memory, and one that lies over another and leaves it unchanged.

import { checkBytes, checkInteger } from '../plugin/known-values.ts';
import { checkDisk, type Disk } from './disk.ts';

/** @throws {TypeError|RangeError} when a range of a disk is none. */
function checkRange(offset: number, bytes: Uint8Array, size: number, what: string): void {
  checkBytes(bytes, what);
  checkInteger(offset, 0, size - bytes.length, `${what.split(':')[0]}: offset`);
}

/** A disk whose sectors are bytes in memory. */
export class MemoryDisk implements Disk {
  readonly readOnly = false;
  readonly #bytes: Uint8Array;

  /**
   * @param bytes what it holds, and is written to.
   * @throws {TypeError} when they are none.
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
    // It is where it is.
  }
}

/** Bytes that are kept together. */
const BLOCK = 0x1000;

/** A disk over another one: what is written stays in memory, and the other one as it is. */
export class CopyOnWriteDisk implements Disk {
  readonly readOnly = false;
  readonly #below: Disk;
  readonly #blocks = new Map<number, Uint8Array>();

  constructor(below: Disk) {
    checkDisk(below, 'CopyOnWriteDisk: below');
    this.#below = below;
  }

  get size(): number {
    return this.#below.size;
  }

  /** Calls `part` for what lies in each block of a range. */
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

  write(offset: number, source: Uint8Array): void {
    checkRange(offset, source, this.size, 'CopyOnWriteDisk.write: source');
    this.#each(offset, source.length, (block, at, done, count) => {
      const own = this.#blocks.get(block) ?? this.#copied(block);
      own.set(source.subarray(done, done + count), at);
    });
  }

  #copied(block: number): Uint8Array {
    const bytes = new Uint8Array(BLOCK);
    const at = block * BLOCK;
    this.#below.read(at, bytes.subarray(0, Math.min(BLOCK, this.size - at)));
    this.#blocks.set(block, bytes);
    return bytes;
  }

  flush(): void {
    // It stays in memory.
  }
}
