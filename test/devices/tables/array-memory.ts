// SPDX-License-Identifier: MIT
// Table memory of a test: an array of 64-bit words from a base address on.

import type { TableMemory } from '../../../devices/tables/index.ts';

export class ArrayMemory implements TableMemory {
  readonly base: number;
  readonly #words: BigUint64Array;
  #next: number;

  constructor(base: number, size: number) {
    this.base = base;
    this.#next = base;
    this.#words = new BigUint64Array(size / 8);
  }

  load64(address: number): bigint {
    return this.#words[this.#index(address)] ?? 0n;
  }

  store64(address: number, value: bigint): void {
    this.#words[this.#index(address)] = value;
  }

  allocate(size: number, alignment: number): number {
    const address = Math.ceil(this.#next / alignment) * alignment;
    this.#next = address + size;
    return address;
  }

  #index(address: number): number {
    const index = (address - this.base) / 8;
    if (!Number.isInteger(index) || index < 0 || index >= this.#words.length)
      throw new RangeError(`no word at 0x${address.toString(16)}`);
    return index;
  }
}
