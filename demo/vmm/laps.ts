// SPDX-License-Identifier: MIT
// How often a queue has gone around its ring. PROD and CONS have one wrap bit; the commands that
// were consumed since the last look say which of the laps with that bit it is.

export interface Laps {
  /** Entries consumed since the queue was enabled, as far as CONS shows them. */
  readonly consumed: number;
  readonly consLap: number;
  readonly prodLap: number;
}

export class LapCounter {
  #consumed = 0;
  #commands = 0;

  /** @param commands consumed in all; what the host takes out of a ring itself is not among them. */
  look(queue: { prod: number; cons: number; size: number; commands: number }): Laps {
    const { prod, cons, size, commands } = queue;
    const cycle = 2 * size;
    const expected = this.#consumed + Math.max(0, commands - this.#commands);
    // The position with these bits that is nearest to where the commands lead.
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

  /** The queue is off: it begins anew. */
  reset(): void {
    this.#consumed = 0;
  }
}
