// SPDX-License-Identifier: MIT
// Splits the output of a machine's console into lines, in bounded memory.

const NEWLINE = 10;

export class ConsoleLines {
  readonly #most: number;
  readonly #onLine: (line: string) => void;
  #line: number[] = [];

  /**
   * @param most bytes of a line that are kept; the rest of the line is dropped.
   * @param onLine called with each complete line, without its line end.
   */
  constructor(most: number, onLine: (line: string) => void) {
    this.#most = most;
    this.#onLine = onLine;
  }

  receive(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (byte !== NEWLINE) {
        if (this.#line.length < this.#most) this.#line.push(byte);
        continue;
      }
      const line = new TextDecoder().decode(Uint8Array.from(this.#line)).trimEnd();
      this.#line = [];
      this.#onLine(line);
    }
  }
}
