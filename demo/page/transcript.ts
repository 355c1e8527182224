// SPDX-License-Identifier: MIT
// The console output of a machine, so that the console can be drawn as it was earlier.

import type { ConsoleOutput } from '../protocol.ts';

/** Maximum number of bytes that are kept: more than a terminal scrolls back. */
const MOST = 2 ** 18;

const note = (left: number) => new TextEncoder().encode(`\r\n[${left} bytes left out]\r\n`);

export class Transcript {
  /** In order, without a gap. */
  readonly #pieces: ConsoleOutput[] = [];
  #bytes = 0;

  add(output: ConsoleOutput): void {
    this.#pieces.push(output);
    this.#bytes += output.bytes.length;
    // The newest piece is kept regardless of its length.
    while (this.#bytes > MOST && this.#pieces.length > 1)
      this.#bytes -= this.#pieces.shift()?.bytes.length ?? 0;
  }

  /** Bytes that the machine had written by the end of the last output. */
  get written(): number {
    const last = this.#pieces.at(-1);
    return last ? last.from + last.bytes.length + last.left : 0;
  }

  /**
   * The output for a terminal to go from one count of written bytes to another, if it is
   * still kept.
   */
  between(from: number, to: number): Uint8Array[] {
    return this.#pieces.flatMap(({ from: begin, bytes, left }) => {
      const part = bytes.subarray(Math.max(0, from - begin), Math.max(0, to - begin));
      const end = begin + bytes.length;
      // The note about omitted output is shown as soon as any of that had been written.
      const isNoted = left > 0 && from <= end && to > end;
      return [...(part.length > 0 ? [part] : []), ...(isNoted ? [note(left)] : [])];
    });
  }
}
