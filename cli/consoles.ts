// SPDX-License-Identifier: MIT
// Consoles of the machines on one stream, while they run.

import type { RunStream } from './run-output.ts';

const NEWLINE = 10;
/** A line is written when it has ended, or has come to this many bytes. */
const LINE_BYTES = 8192;

/** One machine writes as it likes; of several, each line goes out as a whole and says whose it is. */
export class Consoles {
  readonly #stream: RunStream;
  readonly #lines: { readonly bytes: Uint8Array; length: number }[];

  constructor(stream: RunStream, machines: number) {
    this.#stream = stream;
    this.#lines = Array.from({ length: machines }, () => ({
      bytes: new Uint8Array(LINE_BYTES),
      length: 0,
    }));
  }

  write(machine: number, bytes: Uint8Array): void {
    if (this.#lines.length === 1) {
      this.#stream.write(bytes);
      return;
    }
    const line = this.#lines[machine];
    if (!line) return;
    for (let at = 0; at < bytes.length; ) {
      const end = bytes.indexOf(NEWLINE, at);
      const rest = (end < 0 ? bytes.length : end) - at;
      const taken = Math.min(rest, LINE_BYTES - line.length);
      line.bytes.set(bytes.subarray(at, at + taken), line.length);
      line.length += taken;
      at += taken;
      const ended = end >= 0 && taken === rest;
      if (ended) at++;
      if (ended || line.length === LINE_BYTES) this.#flush(machine);
    }
  }

  /** Writes the line that there is, and ends it. */
  #flush(machine: number): void {
    const line = this.#lines[machine];
    if (!line) return;
    this.#stream.write(`[vm${machine}] `);
    this.#stream.write(line.bytes.slice(0, line.length));
    this.#stream.write('\n');
    line.length = 0;
  }

  /** Writes what has not come to a line's end. */
  end(): void {
    for (const [machine, { length }] of this.#lines.entries()) if (length > 0) this.#flush(machine);
  }
}
