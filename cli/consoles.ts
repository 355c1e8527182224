// SPDX-License-Identifier: MIT
// Writes the consoles of several machines to one stream while they run.

import type { RunStream } from './run-output.ts';

const NEWLINE = 10;
/** A line is written when it is complete, or has this many bytes. */
const LINE_BYTES = 8192;

/** An incomplete line of one console. */
interface Line {
  readonly machine: number;
  readonly bytes: Uint8Array;
  length: number;
}

/** Output of a single machine is passed on; of several, as whole lines with the machine's name. */
export class Consoles {
  readonly #stream: RunStream;
  readonly #machines: number;
  readonly #lines = new Map<string, Line>();

  constructor(stream: RunStream, machines: number) {
    this.#stream = stream;
    this.#machines = machines;
  }

  /** @param console number of the machine's console; lines of different consoles do not mix. */
  write(machine: number, bytes: Uint8Array, console = 0): void {
    if (this.#machines === 1) {
      this.#stream.write(bytes);
      return;
    }
    const line = this.#lineOf(machine, console);
    for (let at = 0; at < bytes.length; ) {
      const end = bytes.indexOf(NEWLINE, at);
      const rest = (end < 0 ? bytes.length : end) - at;
      const taken = Math.min(rest, LINE_BYTES - line.length);
      line.bytes.set(bytes.subarray(at, at + taken), line.length);
      line.length += taken;
      at += taken;
      const ended = end >= 0 && taken === rest;
      if (ended) at++;
      if (ended || line.length === LINE_BYTES) this.#flush(line);
    }
  }

  #lineOf(machine: number, console: number): Line {
    const key = `${machine} ${console}`;
    const line = this.#lines.get(key) ?? { machine, bytes: new Uint8Array(LINE_BYTES), length: 0 };
    this.#lines.set(key, line);
    return line;
  }

  /** Writes an incomplete line, and ends it. */
  #flush(line: Line): void {
    this.#stream.write(`[vm${line.machine}] `);
    this.#stream.write(line.bytes.slice(0, line.length));
    this.#stream.write('\n');
    line.length = 0;
  }

  /** Writes all incomplete lines. */
  end(): void {
    for (const line of this.#lines.values()) if (line.length > 0) this.#flush(line);
  }
}
