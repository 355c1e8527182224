// SPDX-License-Identifier: MIT
// Work of which one piece runs at a time: each waits for the previous one, and ends it
// early if possible.

/** False when other work was requested: continuous work then ends. */
export type Wanted = () => boolean;

export class OneAtATime {
  #turn = 0;
  #last = Promise.resolve();

  /** Counts the requests. */
  get turn(): number {
    return this.#turn;
  }

  /**
   * Executes a piece of work when the previous one has ended, which from now on is no
   * longer wanted. A failure also fails all later work.
   */
  instead(work: (wanted: Wanted) => Promise<void> | void): Promise<void> {
    this.#turn++;
    const turn = this.#turn;
    this.#last = this.#last.then(() => work(() => turn === this.#turn));
    return this.#last;
  }
}
