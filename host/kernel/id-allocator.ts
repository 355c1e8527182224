// SPDX-License-Identifier: MIT
// Allocates IDs of a range, the lowest free one first.

import { HostError, type HostFault } from '../hardware/host-error.ts';

/** The lowest number below `limit` that is not in use. */
export function lowestFree(limit: number, taken: readonly number[]): number | undefined {
  return Array.from({ length: limit }, (_, i) => i).find((i) => !taken.includes(i));
}

export class IdAllocator {
  readonly #taken = new Set<number>();
  readonly #first: number;
  readonly #end: number;
  readonly #fault: HostFault;
  readonly #exhausted: string;

  /**
   * @param fault code of the error when all of `first` to `end - 1` are in use.
   * @param exhausted message of that error.
   */
  constructor(first: number, end: number, fault: HostFault, exhausted: string) {
    this.#first = first;
    this.#end = end;
    this.#fault = fault;
    this.#exhausted = exhausted;
  }

  get used(): number {
    return this.#taken.size;
  }

  /** @throws {HostError} when all are in use. */
  allocate(): number {
    for (let id = this.#first; id < this.#end; id++) {
      if (this.#taken.has(id)) continue;
      this.#taken.add(id);
      return id;
    }
    throw new HostError(this.#fault, this.#exhausted);
  }

  /** False when the ID was not in use. */
  free(id: number): boolean {
    return this.#taken.delete(id);
  }
}
