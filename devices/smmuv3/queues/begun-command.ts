// SPDX-License-Identifier: MIT
// A command of a queue that has been executed in part: each service does a bounded amount
// of work, and continues where the previous one stopped.

export class BegunCommand {
  #attempt: readonly number[] = [];
  #next = 0;

  /** @param attempt CONS and words of the command. */
  begin(attempt: readonly number[], next: number): void {
    this.#attempt = attempt;
    this.#next = next;
  }

  /** The position to continue from: 0, the start, when the command has not begun. */
  left(attempt: readonly number[]): number {
    return this.isBegun(attempt) ? this.#next : 0;
  }

  /**
   * When a guest changes a command in the queue, the new one is executed from its start.
   */
  isBegun(attempt: readonly number[]): boolean {
    return this.#attempt.length > 0 && attempt.every((word, i) => word === this.#attempt[i]);
  }

  clear(): void {
    this.#attempt = [];
    this.#next = 0;
  }
}
