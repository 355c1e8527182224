// SPDX-License-Identifier: MIT
// What a machine has written to its console, so that the console can be drawn as it was earlier.

import type { ConsoleOutput } from '../protocol.ts';

/** Bytes that are kept: more than a terminal scrolls back. */
const MOST = 2 ** 18;

const note = (left: number) => new TextEncoder().encode(`\r\n[${left} bytes left out]\r\n`);

export class Transcript {
  /** In order, without a gap. */
  readonly #pieces: ConsoleOutput[] = [];
  #bytes = 0;

  add(output: ConsoleOutput): void {
    this.#pieces.push(output);
    this.#bytes += output.bytes.length;
    // The newest is kept, whatever its length.
    while (this.#bytes > MOST && this.#pieces.length > 1)
      this.#bytes -= this.#pieces.shift()?.bytes.length ?? 0;
  }

  /** Bytes that the machine had written by the end of the last output. */
  get written(): number {
    const last = this.#pieces.at(-1);
    return last ? last.from + last.bytes.length + last.left : 0;
  }

  /**
   * What a terminal is given to show what was written from one count of bytes to another, as far as it
   * is kept.
   */
  between(from: number, to: number): Uint8Array[] {
    return this.#pieces.flatMap(({ from: begin, bytes, left }) => {
      const part = bytes.subarray(Math.max(0, from - begin), Math.max(0, to - begin));
      const end = begin + bytes.length;
      // The note stands for what was left out as soon as any of that had been written.
      const isNoted = left > 0 && from <= end && to > end;
      return [...(part.length > 0 ? [part] : []), ...(isNoted ? [note(left)] : [])];
    });
  }
}
