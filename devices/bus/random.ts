// SPDX-License-Identifier: MIT

import { checkInteger, checkList } from '../plugin/known-values.ts';
import { checkWord } from '../plugin/known-words.ts';

/**
 * Seeded pseudo-random numbers, so that a failing run can be repeated: a 32-bit state
 * stepped by the golden ratio and mixed.
 */
export class Random {
  #state: number;

  /** @throws {TypeError|RangeError} unless the seed is a 32-bit integer. */
  constructor(seed: number) {
    checkWord(seed, 'Random: seed');
    this.#state = seed >>> 0;
  }

  /** An unsigned 32-bit word. */
  word(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  }

  /**
   * An integer from 0 to `limit` - 1.
   * @throws {TypeError|RangeError} unless the limit is an integer of at least 0.
   */
  below(limit: number): number {
    checkInteger(limit, 0, Number.MAX_SAFE_INTEGER, 'Random.below: limit');
    return Math.floor((this.word() / 2 ** 32) * limit);
  }

  /**
   * One of the items.
   * @throws {TypeError} when they are not a list.
   * @throws {RangeError} when the list is empty.
   */
  pick<T>(items: readonly T[]): T {
    checkList(items, 'Random.pick: items');
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError('Random.pick: items must be one at least');
    return item;
  }
}
