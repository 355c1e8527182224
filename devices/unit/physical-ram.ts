// SPDX-License-Identifier: MIT
// RAM of a physical address map, window 0, with the tables and queues of its SMMUs.

import { HOST_AT_RAM_BASE, HOST_AT_RAM_SIZE } from '../../assembly/layout/host-memory.ts';
import { guestMemoryOf } from '../bus/guest-memory.ts';
import type { GuestMemory } from '../plugin/index.ts';
import { checkWord } from '../plugin/known-words.ts';
import { bigUint64, uint } from '../plugin/option-kinds.ts';
import type { PhysicalMemory } from './dma-stream.ts';
import { checkHostMemory } from './host-memory-check.ts';

/**
 * The RAM in a memory from `createHostMemory`: PA 0 up to its `ramSize`. Words are
 * accessed once, atomically, and only at aligned addresses.
 */
export class PhysicalRam implements GuestMemory, PhysicalMemory {
  /** Bytes. */
  readonly size: number;
  /** Byte offset of PA 0 in the memory. */
  readonly base: number;
  readonly #memory: GuestMemory;
  readonly #bytes: Uint8Array;

  /** @throws {TypeError} unless it is a memory from `createHostMemory`. */
  constructor(hostMemory: WebAssembly.Memory) {
    checkHostMemory(hostMemory, 'PhysicalRam: hostMemory');
    const words = new Uint32Array(hostMemory.buffer);
    this.base = words[HOST_AT_RAM_BASE >> 2] ?? 0;
    this.size = words[HOST_AT_RAM_SIZE >> 2] ?? 0;
    this.#memory = guestMemoryOf(hostMemory, [{ gpa: 0, offset: this.base, size: this.size }]);
    this.#bytes = new Uint8Array(hostMemory.buffer, this.base, this.size);
  }

  /** One aligned 64-bit word; undefined outside RAM. */
  load64(pa: number): bigint | undefined {
    uint(pa, 'PhysicalRam', 'pa');
    return this.#memory.load64(pa);
  }

  /** Writes one aligned 64-bit word; false outside RAM. */
  store64(pa: number, value: bigint): boolean {
    uint(pa, 'PhysicalRam', 'pa');
    bigUint64(value, 'PhysicalRam', 'value');
    return this.#memory.store64(pa, value);
  }

  /** Writes one aligned 32-bit word, like an MSI; false outside RAM. */
  store32(pa: number, value: number): boolean {
    uint(pa, 'PhysicalRam', 'pa');
    checkWord(value, 'PhysicalRam: value');
    return this.#memory.store32(pa, value);
  }

  /** The bytes of a range, not a copy; undefined unless all of it is RAM. */
  bytes(pa: number, length: number): Uint8Array | undefined {
    // Called for each DMA access, so arguments are only checked further when something is
    // wrong.
    if (Number.isInteger(pa) && Number.isInteger(length) && pa >= 0 && length >= 0)
      return pa + length <= this.size ? this.#bytes.subarray(pa, pa + length) : undefined;
    uint(pa, 'PhysicalRam', 'pa');
    uint(length, 'PhysicalRam', 'length');
    return undefined;
  }
}
