// SPDX-License-Identifier: MIT
// What has to be taken back when a request fails half-way.

/** Steps done so far, each with its way back. */
export class Undo {
  readonly #steps: (() => void)[] = [];

  add(step: () => void): void {
    this.#steps.push(step);
  }

  /** Takes everything back, the last step first. */
  run(): void {
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) step();
  }
}

/** Runs a request that either happens as a whole or leaves nothing behind. */
export function allOrNothing<T>(request: (undo: Undo) => T): T {
  const undo = new Undo();
  try {
    return request(undo);
  } catch (error) {
    undo.run();
    throw error;
  }
}
