// SPDX-License-Identifier: MIT
// Console output that waits for the page. A guest can write faster than a terminal can
// process: the excess is then left out and counted, so that the page stays responsive.

import { joinBytes } from '../../devices/plugin/join-bytes.ts';
import type { ConsoleOutput } from '../protocol.ts';

/** Maximum number of waiting bytes of one machine. */
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

  /** Total number of bytes that the machine has written. */
  get written(): number {
    return this.#written;
  }

  /** Removes and returns the waiting output. */
  take(): ConsoleOutput {
    const from = this.#written - this.#bytes - this.#left;
    const output = { from, bytes: joinBytes(this.#waiting), left: this.#left };
    this.#waiting = [];
    this.#bytes = 0;
    this.#left = 0;
    return output;
  }
}
