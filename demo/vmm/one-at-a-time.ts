// SPDX-License-Identifier: MIT
// Work of which one piece is under way at a time: each waits for the one before, and has it end early
// where that can be.

/** False once something else has been asked for: work that goes on by itself ends then. */
export type Wanted = () => boolean;

export class OneAtATime {
  #turn = 0;
  #last = Promise.resolve();

  /** Counts what has been asked for. */
  get turn(): number {
    return this.#turn;
  }

  /**
   * Does a piece of work when the one before has ended, which from now on is no longer wanted. What
   * fails fails everything that comes behind it.
   */
  instead(work: (wanted: Wanted) => Promise<void> | void): Promise<void> {
    this.#turn++;
    const turn = this.#turn;
    this.#last = this.#last.then(() => work(() => turn === this.#turn));
    return this.#last;
  }
}
