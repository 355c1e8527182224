// SPDX-License-Identifier: MIT
// The direct maps of a Wasm guest: a table in its info page, which its runtime consults
// at each access (docs/guest-abi.md).

import {
  ABI_AT_MAP_ACK,
  ABI_AT_MAP_COUNT,
  ABI_AT_MAP_EPOCH,
  ABI_AT_MAPS,
  ABI_DIRECT_PAGE_COUNT,
  ABI_DIRECT_PAGES,
  ABI_MAP_DOORBELL,
  ABI_MAP_FLAG_DOORBELL,
  ABI_MAP_FLAGS,
  ABI_MAP_GPA,
  ABI_MAP_LENGTH,
  ABI_MAP_OFFSET,
  ABI_MAP_SIZE,
  ABI_MAX_MAPS,
  ABI_PAGE_SIZE,
} from '../../../assembly/layout/guest-abi.ts';
import type { DirectMapEntry, DirectMapTable } from '../guest.ts';

export class AbiDirectMaps implements DirectMapTable {
  readonly pageSize = ABI_PAGE_SIZE;
  readonly pages: readonly number[] = Array.from(
    { length: ABI_DIRECT_PAGE_COUNT },
    (_, page) => ABI_DIRECT_PAGES + page * ABI_PAGE_SIZE,
  );
  readonly size = ABI_MAX_MAPS;
  readonly #info: Int32Array;
  /** The host's own count: a guest can overwrite the one in its info page. */
  #count = 0;
  #epoch = 0;

  constructor(memory: WebAssembly.Memory) {
    this.#info = new Int32Array(memory.buffer);
  }

  /** The length is stored last: it makes the entry valid. */
  set(index: number, { gpa, length, memoryOffset, doorbell, rings }: DirectMapEntry): void {
    const info = this.#info;
    const entry = (ABI_AT_MAPS + index * ABI_MAP_SIZE) >> 2;
    info[entry + (ABI_MAP_GPA >> 2)] = gpa;
    info[entry + (ABI_MAP_OFFSET >> 2)] = memoryOffset;
    info[entry + (ABI_MAP_FLAGS >> 2)] = rings ? ABI_MAP_FLAG_DOORBELL : 0;
    info[entry + (ABI_MAP_DOORBELL >> 2)] = doorbell ?? 0;
    Atomics.store(info, entry + (ABI_MAP_LENGTH >> 2), length);
    this.#count = Math.max(this.#count, index + 1);
    Atomics.store(info, ABI_AT_MAP_COUNT >> 2, this.#count);
  }

  setRinging(index: number, rings: boolean): void {
    Atomics.store(
      this.#info,
      (ABI_AT_MAPS + index * ABI_MAP_SIZE + ABI_MAP_FLAGS) >> 2,
      rings ? ABI_MAP_FLAG_DOORBELL : 0,
    );
  }

  clear(index: number): void {
    const entry = (ABI_AT_MAPS + index * ABI_MAP_SIZE) >> 2;
    Atomics.store(this.#info, entry + (ABI_MAP_LENGTH >> 2), 0);
  }

  announce(): number {
    this.#epoch = (this.#epoch + 1) | 0;
    Atomics.store(this.#info, ABI_AT_MAP_EPOCH >> 2, this.#epoch);
    return this.#epoch;
  }

  hasSeen(vcpu: number, epoch: number): boolean {
    return ((Atomics.load(this.#info, (ABI_AT_MAP_ACK >> 2) + vcpu) - epoch) | 0) >= 0;
  }

  reset(): void {
    this.#count = 0;
    this.#info.fill(0, ABI_AT_MAPS >> 2, (ABI_AT_MAPS + ABI_MAX_MAPS * ABI_MAP_SIZE) >> 2);
    Atomics.store(this.#info, ABI_AT_MAP_COUNT >> 2, 0);
    this.announce();
  }
}
