// SPDX-License-Identifier: MIT
// Thread blocks of a host's memory: a unit's memory apart from its instances. Number 0 is
// the host's own.

import { MAX_THREADS } from '../../assembly/layout/host-memory.ts';
import { IdAllocator } from './id-allocator.ts';

export class ThreadAllocator {
  readonly #numbers = new IdAllocator(
    1,
    MAX_THREADS,
    'no-thread',
    `a host has at most ${MAX_THREADS} threads and machines together`,
  );
  readonly #reap: (thread: number) => void;

  /** @param reap releases what a terminated thread still owned. */
  constructor(reap: (thread: number) => void) {
    this.#reap = reap;
  }

  /**
   * Allocates the lowest free number: a CMD_SYNC checks all blocks up to the highest ever
   * used.
   * @throws {HostError} when all are in use.
   */
  allocate(): number {
    return this.#numbers.allocate();
  }

  free(thread: number): void {
    if (this.#numbers.free(thread)) this.#reap(thread);
  }
}
