// Thread blocks of a host's memory: what a unit needs beside its instances. Number 0 is the host's own.

import { MAX_THREADS } from '../../assembly/layout/host-memory.ts';
import { HostError } from './errors.ts';

export class ThreadAllocator {
  readonly #taken = new Set([0]);
  readonly #reap: (thread: number) => void;

  /** `reap` gives back what a thread that is no more has left taken. */
  constructor(reap: (thread: number) => void) {
    this.#reap = reap;
  }

  /**
   * The lowest free number: a CMD_SYNC looks at all blocks up to the highest ever used.
   * @throws {HostError} when all are taken.
   */
  allocate(): number {
    for (let thread = 0; thread < MAX_THREADS; thread++) {
      if (this.#taken.has(thread)) continue;
      this.#taken.add(thread);
      return thread;
    }
    throw new HostError('no-thread', `a host has at most ${MAX_THREADS} threads and machines together`);
  }

  free(thread: number): void {
    if (thread !== 0 && this.#taken.delete(thread)) this.#reap(thread);
  }
}
