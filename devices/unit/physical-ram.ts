// RAM of a physical address map, window 0: where the tables and queues of its SMMUs lie.

import { HOST_AT_RAM_BASE, HOST_AT_RAM_SIZE } from '../../assembly/layout/host-memory.ts';
import type { GuestMemory } from '../plugin/index.ts';
import type { PhysicalMemory } from './stream-dma-port.ts';

/**
 * The RAM in a memory that `createHostMemory` has made: PA 0 up to its `ramSize`. Words are read
 * and written once, atomically, and only where they are aligned.
 */
export class PhysicalRam implements GuestMemory, PhysicalMemory {
  /** Bytes. */
  readonly size: number;
  /** Byte offset of PA 0 in the memory. */
  readonly base: number;
  readonly #longs: BigInt64Array;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;

  constructor(hostMemory: WebAssembly.Memory) {
    const words = new Uint32Array(hostMemory.buffer);
    this.base = words[HOST_AT_RAM_BASE >> 2] ?? 0;
    this.size = words[HOST_AT_RAM_SIZE >> 2] ?? 0;
    this.#longs = new BigInt64Array(hostMemory.buffer);
    this.#words = new Int32Array(hostMemory.buffer);
    this.#bytes = new Uint8Array(hostMemory.buffer);
  }

  #holds(pa: number, size: number): boolean {
    return pa % size === 0 && pa >= 0 && pa + size <= this.size;
  }

  /** One aligned 64-bit word; undefined where there is none. */
  load64(pa: number): bigint | undefined {
    return this.#holds(pa, 8)
      ? BigInt.asUintN(64, Atomics.load(this.#longs, (this.base + pa) / 8))
      : undefined;
  }

  /** Writes one aligned 64-bit word; false where there is none. */
  store64(pa: number, value: bigint): boolean {
    const held = this.#holds(pa, 8);
    if (held) Atomics.store(this.#longs, (this.base + pa) / 8, BigInt.asIntN(64, value));
    return held;
  }

  /** Writes one aligned 32-bit word, as an MSI is; false where there is none. */
  store32(pa: number, value: number): boolean {
    const held = this.#holds(pa, 4);
    if (held) Atomics.store(this.#words, (this.base + pa) / 4, value);
    return held;
  }

  /** The bytes of a range, themselves and no copy; undefined where not all of it is RAM. */
  bytes(pa: number, length: number): Uint8Array | undefined {
    return pa >= 0 && pa + length <= this.size
      ? this.#bytes.subarray(this.base + pa, this.base + pa + length)
      : undefined;
  }
}
