// IDs of a range, the lowest free one first.

import { HostError } from '../errors.ts';

export class IdAllocator {
  readonly #taken = new Set<number>();
  readonly #first: number;
  readonly #end: number;
  readonly #what: string;

  constructor(first: number, end: number, what: string) {
    this.#first = first;
    this.#end = end;
    this.#what = what;
  }

  get used(): number {
    return this.#taken.size;
  }

  /** @throws {HostError} when all are taken. */
  allocate(): number {
    for (let id = this.#first; id < this.#end; id++) {
      if (this.#taken.has(id)) continue;
      this.#taken.add(id);
      return id;
    }
    throw new HostError('no-context', `${this.#what} are exhausted: ${this.#taken.size}`);
  }

  free(id: number): void {
    this.#taken.delete(id);
  }
}
