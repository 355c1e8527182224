// Consoles of the machines on one stream, while they run.

const NEWLINE = 10;

/** One machine writes as it likes; of several, each line goes out as a whole and says whose it is. */
export class Consoles {
  readonly #stream: NodeJS.WritableStream;
  readonly #lines: number[][];

  constructor(stream: NodeJS.WritableStream, machines: number) {
    this.#stream = stream;
    this.#lines = Array.from({ length: machines }, () => []);
  }

  write(machine: number, bytes: Uint8Array): void {
    if (this.#lines.length === 1) {
      this.#stream.write(bytes);
      return;
    }
    const line = this.#lines[machine];
    if (!line) return;
    for (const byte of bytes) {
      line.push(byte);
      if (byte === NEWLINE) this.#flush(machine, line);
    }
  }

  #flush(machine: number, line: number[]): void {
    this.#stream.write(`[vm${machine}] `);
    this.#stream.write(Uint8Array.from(line.splice(0)));
  }

  /** Writes what has not come to a line's end. */
  end(): void {
    for (const [machine, line] of this.#lines.entries()) {
      if (line.length === 0) continue;
      line.push(NEWLINE);
      this.#flush(machine, line);
    }
  }
}
