// SPDX-License-Identifier: MIT
// Number of laps of a queue around its ring. PROD and CONS have one wrap bit; the number
// of commands consumed since the last observation selects among the laps with that bit.

export interface Laps {
  /** Entries consumed since the queue was enabled, as far as CONS shows them. */
  readonly consumed: number;
  readonly consLap: number;
  readonly prodLap: number;
}

export class LapCounter {
  #consumed = 0;
  #commands = 0;

  /**
   * @param commands consumed in all, without those that the host removes from a ring
   *   itself.
   */
  look(queue: { prod: number; cons: number; size: number; commands: number }): Laps {
    const { prod, cons, size, commands } = queue;
    const cycle = 2 * size;
    const expected = this.#consumed + Math.max(0, commands - this.#commands);
    // The position with these bits that is nearest to the expected one.
    const consumed = Math.max(0, Math.round((expected - cons) / cycle)) * cycle + cons;
    this.#consumed = consumed;
    this.#commands = commands;
    const pending = (prod - cons + cycle) % cycle;
    return {
      consumed,
      consLap: Math.floor(consumed / size) + 1,
      prodLap: Math.floor((consumed + pending) / size) + 1,
    };
  }

  /** The queue was disabled: it starts again. */
  reset(): void {
    this.#consumed = 0;
  }
}
