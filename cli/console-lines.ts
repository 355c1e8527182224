// SPDX-License-Identifier: MIT
// A machine's console, line by line as it comes, in bounded memory.

const NEWLINE = 10;

export class ConsoleLines {
  readonly #most: number;
  readonly #onLine: (line: string) => void;
  #line: number[] = [];

  /**
   * @param most bytes of a line that are kept; what comes behind them is left out.
   * @param onLine told of each line when it has ended, without what ends it.
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
