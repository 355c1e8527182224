// SPDX-License-Identifier: MIT
// A command of a queue that has been carried out in part: a service does a bounded amount
// of work, and goes on where the last one has come to.

export class BegunCommand {
  #attempt: readonly number[] = [];
  #next = 0;

  /** @param attempt CONS and words of the command. */
  begin(attempt: readonly number[], next: number): void {
    this.#attempt = attempt;
    this.#next = next;
  }

  /** What of the command is left: 0 for all of it, as for one that has not begun. */
  left(attempt: readonly number[]): number {
    return this.isBegun(attempt) ? this.#next : 0;
  }

  /** A guest that changes a command under the queue has another one carried out, from its start. */
  isBegun(attempt: readonly number[]): boolean {
    return this.#attempt.length > 0 && attempt.every((word, i) => word === this.#attempt[i]);
  }

  clear(): void {
    this.#attempt = [];
    this.#next = 0;
  }
}
