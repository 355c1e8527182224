// SPDX-License-Identifier: MIT
// Console output that waits for the page. A guest can write faster than a terminal takes
// it in: then what is too much is left out, and counted, and the page stays free.

import { joinBytes } from '../../devices/plugin/join-bytes.ts';
import type { ConsoleOutput } from '../protocol.ts';

/** Bytes of one machine that wait at most. */
const MOST = 65_536;

export class Outbox {
  #waiting: Uint8Array[] = [];
  #bytes = 0;
  #left = 0;
  #written = 0;

  add(bytes: Uint8Array): void {
    this.#written += bytes.length;
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

  /** Bytes that the machine has written, all of them. */
  get written(): number {
    return this.#written;
  }

  /** Takes out what waits. */
  take(): ConsoleOutput {
    const from = this.#written - this.#bytes - this.#left;
    const output = { from, bytes: joinBytes(this.#waiting), left: this.#left };
    this.#waiting = [];
    this.#bytes = 0;
    this.#left = 0;
    return output;
  }
}
