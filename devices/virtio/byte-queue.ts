// SPDX-License-Identifier: MIT
// Bytes that wait for a guest to read them.

import { joinBytes } from '../plugin/join-bytes.ts';

/** Maximum number of waiting bytes; further bytes are dropped. */
const MOST = 0x10000;

/**
 * Bytes that a device offers to its guest, and removes when the guest has received them.
 */
export class ByteQueue {
  #bytes = new Uint8Array();

  /** Number of waiting bytes. */
  get length(): number {
    return this.#bytes.length;
  }

  /** Appends bytes, up to the limit. */
  push(bytes: Uint8Array): void {
    this.#bytes = joinBytes([this.#bytes, bytes.subarray(0, MOST - this.#bytes.length)]);
  }

  /** The first bytes, at most `most`, without removing them. */
  peek(most: number): Uint8Array {
    return this.#bytes.subarray(0, most);
  }

  /** Removes the first bytes. */
  drop(count: number): void {
    this.#bytes = this.#bytes.slice(count);
  }
}
