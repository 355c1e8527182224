// SPDX-License-Identifier: MIT
// Undoing the completed steps of a request that fails half-way.

/** The undo actions of the steps done so far. */
export class Undo {
  readonly #steps: (() => void)[] = [];

  add(step: () => void): void {
    this.#steps.push(step);
  }

  /** Undoes everything, the last step first. */
  run(): void {
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) step();
  }
}

/** Runs a request that either succeeds or changes nothing. */
export function allOrNothing<T>(request: (undo: Undo) => T): T {
  const undo = new Undo();
  try {
    return request(undo);
  } catch (error) {
    undo.run();
    throw error;
  }
}
