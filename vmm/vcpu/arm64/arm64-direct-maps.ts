// SPDX-License-Identifier: MIT
// The direct maps of an arm64 guest: a table that the CPU checks at each access to a
// device.

import {
  ARM64_DIRECT_PAGE_SIZE,
  ARM64_MAP_AT,
  ARM64_MAP_COUNT,
  ARM64_MAP_DOORBELL,
  ARM64_MAP_GPA,
  ARM64_MAP_LENGTH,
  ARM64_MAP_RINGS,
  ARM64_MAP_SIZE,
  ARM64_MAPS_FIRST,
  ARM64_MAX_MAPS,
} from '../../../assembly/layout/arm64-map-table.ts';
import type { DirectMapEntry, DirectMapTable } from '../guest.ts';
import type { Arm64Block } from './arm64-block.ts';
import type { Arm64Memory } from './arm64-memory.ts';

export class Arm64DirectMaps implements DirectMapTable {
  readonly pageSize = ARM64_DIRECT_PAGE_SIZE;
  readonly pages: readonly number[];
  readonly size = ARM64_MAX_MAPS;
  readonly #words: Int32Array;
  readonly #table: number;
  readonly #threads: readonly Arm64Block[];
  #count = 0;

  /** @param threads blocks of vCPUs with their own threads. */
  constructor(
    { memory, maps, directPages }: Pick<Arm64Memory, 'memory' | 'maps' | 'directPages'>,
    threads: readonly Arm64Block[] = [],
  ) {
    this.#threads = threads;
    this.pages = directPages;
    this.#table = maps;
    this.#words = new Int32Array(memory.buffer);
  }

  #store(offset: number, value: number): void {
    Atomics.store(this.#words, (this.#table + offset) >>> 2, value);
  }

  /** Offset of an entry in the table. */
  #entry(index: number): number {
    return ARM64_MAPS_FIRST + index * ARM64_MAP_SIZE;
  }

  /** The length is stored last: it makes the entry valid. */
  set(index: number, { gpa, length, memoryOffset, doorbell, rings }: DirectMapEntry): void {
    const entry = this.#entry(index);
    this.#store(entry + ARM64_MAP_GPA, gpa);
    this.#store(entry + ARM64_MAP_GPA + 4, Math.floor(gpa / 2 ** 32));
    this.#store(entry + ARM64_MAP_AT, memoryOffset);
    this.#store(entry + ARM64_MAP_RINGS, rings ? 1 : 0);
    this.#store(entry + ARM64_MAP_DOORBELL, doorbell ?? 0);
    this.#store(entry + ARM64_MAP_LENGTH, length);
    this.#count = Math.max(this.#count, index + 1);
    this.#store(ARM64_MAP_COUNT, this.#count);
  }

  setRinging(index: number, rings: boolean): void {
    this.#store(this.#entry(index) + ARM64_MAP_RINGS, rings ? 1 : 0);
  }

  clear(index: number): void {
    this.#store(this.#entry(index) + ARM64_MAP_LENGTH, 0);
  }

  /**
   * vCPUs with their own threads may be between the check and the access: they are
   * requested to pass a boundary.
   */
  announce(): number {
    // All have had the same number of requests.
    return this.#threads.map((block) => block.askToPass())[0] ?? 0;
  }

  /** A vCPU on the caller's thread is not in the middle of an access. */
  hasSeen(vcpu: number, announcement: number): boolean {
    return this.#threads[vcpu]?.hasPassed(announcement) ?? true;
  }

  reset(): void {
    this.#count = 0;
    this.#store(ARM64_MAP_COUNT, 0);
    for (let index = 0; index < ARM64_MAX_MAPS; index++) this.clear(index);
  }
}
