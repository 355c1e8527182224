// SPDX-License-Identifier: MIT
// Bytes that wait for a guest to read them.

import { joinBytes } from '../plugin/join-bytes.ts';

/** At most so many bytes wait; what comes then is dropped. */
const MOST = 0x10000;

/** What a device offers to its guest: bytes that are taken once the guest has them. */
export class ByteQueue {
  #bytes = new Uint8Array();

  /** Bytes that wait. */
  get length(): number {
    return this.#bytes.length;
  }

  /** Appends bytes, as far as there is room. */
  push(bytes: Uint8Array): void {
    this.#bytes = joinBytes([this.#bytes, bytes.subarray(0, MOST - this.#bytes.length)]);
  }

  /** The first bytes, at most `most` of them, which stay. */
  peek(most: number): Uint8Array {
    return this.#bytes.subarray(0, most);
  }

  /** Drops the first bytes. */
  drop(count: number): void {
    this.#bytes = this.#bytes.slice(count);
  }
}
