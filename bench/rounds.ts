// SPDX-License-Identifier: MIT
// Rounds of a measurement on threads that have been started for it: they wait for the
// signal of a round, do it, and wait for the next.

/** Signals rounds to threads, which get its `buffer`. */
export class RoundSignal {
  readonly buffer = new SharedArrayBuffer(4);
  readonly #words = new Int32Array(this.buffer);

  #set(value: number): void {
    Atomics.store(this.#words, 0, value);
    Atomics.notify(this.#words, 0);
  }

  /** Begins the next round. */
  next(): void {
    this.#set(Atomics.load(this.#words, 0) + 1);
  }

  /** There is no further round. */
  end(): void {
    this.#set(-1);
  }
}

/** On a thread: calls `round` for each round, until there is none. */
export function eachRound(buffer: SharedArrayBuffer, round: () => void): void {
  const words = new Int32Array(buffer);
  for (let seen = 0; ; seen++) {
    Atomics.wait(words, 0, seen);
    if (Atomics.load(words, 0) < 0) return;
    round();
  }
}
