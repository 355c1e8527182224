// SPDX-License-Identifier: MIT
// Interrupt lines of a Wasm guest: pending words in its info page, which a guest reads
// without an exit.

import {
  ABI_AT_IRQ_EDGE,
  ABI_AT_IRQ_LEVEL,
  ABI_IRQ_LINES,
} from '../../../assembly/layout/guest-abi.ts';
import type { InterruptSink } from '../../../devices/bus/index.ts';
import type { InterruptLine } from '../../../devices/plugin/index.ts';

const WORDS = ABI_IRQ_LINES / 32;

export class AbiInterrupts implements InterruptSink {
  readonly #info: Int32Array;
  readonly #asserted: () => void;
  /**
   * The levels that the devices assert. The guest can overwrite the words that it sees,
   * but not these.
   */
  readonly #levels = new Int32Array(WORDS);

  /** @param asserted called when a line has become pending or asserted. */
  constructor(memory: WebAssembly.Memory, asserted: () => void = () => undefined) {
    this.#asserted = asserted;
    this.#info = new Int32Array(memory.buffer);
  }

  /** Line of the board, 0 to 127. */
  line(index: number): InterruptLine {
    if (!(Number.isInteger(index) && index >= 0 && index < ABI_IRQ_LINES)) {
      throw new RangeError(
        `there is no interrupt line ${index}; lines are 0 to ${ABI_IRQ_LINES - 1}`,
      );
    }
    const word = index >> 5;
    const bit = 1 << (index & 31);
    return {
      // The guest clears the bit; two events before it looks count as one.
      pulse: () => {
        Atomics.or(this.#info, (ABI_AT_IRQ_EDGE >> 2) + word, bit);
        this.#asserted();
      },
      setLevel: (asserted) => {
        const levels = this.#levels[word] ?? 0;
        this.#levels[word] = asserted ? levels | bit : levels & ~bit;
        this.rewriteLevels();
        if (asserted) this.#asserted();
      },
    };
  }

  /** Restores the level words. Called at safe points, because a guest can write them. */
  rewriteLevels(): void {
    for (let word = 0; word < WORDS; word++) {
      const at = (ABI_AT_IRQ_LEVEL >> 2) + word;
      const level = this.#levels[word] ?? 0;
      if (this.#info[at] !== level) Atomics.store(this.#info, at, level);
    }
  }

  /** Clears all lines: none is pending or asserted. */
  reset(): void {
    this.#levels.fill(0);
    this.#info.fill(0, ABI_AT_IRQ_EDGE >> 2, (ABI_AT_IRQ_EDGE >> 2) + WORDS);
    this.rewriteLevels();
  }
}
