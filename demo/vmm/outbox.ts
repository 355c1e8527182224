// SPDX-License-Identifier: MIT
// Console output that waits for the page. A guest can write faster than a terminal takes
// it in: then what is too much is left out, and counted, and the page stays free.

import { joinBytes } from '../../devices/plugin/join-bytes.ts';

/** Bytes of one machine that wait at most. */
const MOST = 65_536;

export class Outbox {
  #waiting: Uint8Array[] = [];
  #bytes = 0;
  #left = 0;

  add(bytes: Uint8Array): void {
    if (this.#left > 0 || this.#bytes + bytes.length > MOST) {
      this.#left += bytes.length;
    } else {
      this.#waiting.push(bytes);
      this.#bytes += bytes.length;
    }
  }

  get empty(): boolean {
    return this.#bytes === 0 && this.#left === 0;
  }

  /** Takes out what waits. */
  take(): Uint8Array {
    if (this.#left > 0)
      this.#waiting.push(new TextEncoder().encode(`\r\n[${this.#left} bytes left out]\r\n`));
    const all = joinBytes(this.#waiting);
    this.#waiting = [];
    this.#bytes = 0;
    this.#left = 0;
    return all;
  }
}
