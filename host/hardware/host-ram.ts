// Host RAM: window 0 of the physical address map, where stream table, stage-2 tables and the host's queues lie.

import { HOST_AT_RAM_BASE, HOST_AT_RAM_SIZE } from '../../assembly/layout/host-memory.ts';
import type { GuestMemory } from '../../devices/plugin/index.ts';
import type { TableMemory } from '../../devices/tables/index.ts';
import { OPEN_GATE, type ResourceGate } from '../iommufd/index.ts';
import { HostError } from './host-error.ts';

const FIRST = 0x1000;

/** Addresses are PA of window 0. PA 0 is never handed out: many registers read it as "none". */
export class HostRam implements TableMemory {
  readonly size: number;
  /** Byte offset of PA 0 in host memory. */
  readonly base: number;
  readonly #longs: BigInt64Array;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #gate: ResourceGate;
  #next = FIRST;
  #inUse = 0;
  /** Freed pieces by size: tables and queues come in few sizes, so that a piece fits whoever asks next. */
  readonly #free = new Map<number, number[]>();

  /** `gate` is told of each allocation. */
  constructor(hostMemory: WebAssembly.Memory, gate: ResourceGate = OPEN_GATE) {
    this.#gate = gate;
    const words = new Uint32Array(hostMemory.buffer, 0, FIRST / 4);
    this.base = words[HOST_AT_RAM_BASE >> 2] ?? 0;
    this.size = words[HOST_AT_RAM_SIZE >> 2] ?? 0;
    this.#longs = new BigInt64Array(hostMemory.buffer);
    this.#words = new Int32Array(hostMemory.buffer);
    this.#bytes = new Uint8Array(hostMemory.buffer);
  }

  /** Bytes that are given out. */
  get inUse(): number {
    return this.#inUse;
  }

  #index(pa: number, size = 8): number {
    if (pa % size !== 0 || pa < 0 || pa + size > this.size)
      throw new RangeError(`0x${pa.toString(16)} is not an aligned address in host RAM`);
    return (this.base + pa) / size;
  }

  load64(pa: number): bigint {
    return BigInt.asUintN(64, Atomics.load(this.#longs, this.#index(pa)));
  }

  store64(pa: number, value: bigint): void {
    Atomics.store(this.#longs, this.#index(pa), BigInt.asIntN(64, value));
  }

  /** One aligned 32-bit word, as an MSI is. */
  store32(pa: number, value: number): void {
    Atomics.store(this.#words, this.#index(pa, 4), value);
  }

  /** The bytes of a range, for copies by DMA. */
  bytes(pa: number, length: number): Uint8Array | undefined {
    return pa >= 0 && pa + length <= this.size
      ? this.#bytes.subarray(this.base + pa, this.base + pa + length)
      : undefined;
  }

  /**
   * Gives zeroed RAM.
   * @throws {HostError} when there is none left.
   */
  allocate(size: number, alignment: number): number {
    this.#gate('allocation', 'host RAM');
    const freed = this.#free.get(size);
    const again = freed?.findIndex((pa) => pa % alignment === 0) ?? -1;
    if (freed && again >= 0) {
      const [pa = 0] = freed.splice(again, 1);
      this.#bytes.fill(0, this.base + pa, this.base + pa + size);
      this.#inUse += size;
      return pa;
    }
    const pa = Math.ceil(this.#next / alignment) * alignment;
    if (pa + size > this.size)
      throw new HostError(
        'no-ram',
        `host RAM is exhausted: ${size} bytes asked for, ${this.size - this.#next} left`,
      );
    this.#next = pa + size;
    this.#inUse += size;
    return pa;
  }

  /** Takes back what `allocate` gave. */
  free(pa: number, size: number): void {
    this.#inUse -= size;
    const pieces = this.#free.get(size);
    if (pieces) pieces.push(pa);
    else this.#free.set(size, [pa]);
  }
}

/** Host RAM as the physical devices' bus has it: what lies outside is nobody's. */
export function deviceMemory(ram: HostRam): GuestMemory {
  const inRam = (pa: number, size = 8) => pa % size === 0 && pa + size <= ram.size;
  return {
    load64: (pa) => (inRam(pa) ? ram.load64(pa) : undefined),
    store64(pa, value) {
      if (inRam(pa)) ram.store64(pa, value);
      return inRam(pa);
    },
    store32(pa, value) {
      if (inRam(pa, 4)) ram.store32(pa, value);
      return inRam(pa, 4);
    },
  };
}

/** A part of host RAM whose pieces are freed together. */
export class RamPool implements TableMemory {
  readonly #ram: HostRam;
  readonly #pieces: { pa: number; size: number }[] = [];

  constructor(ram: HostRam) {
    this.#ram = ram;
  }

  load64(pa: number): bigint {
    return this.#ram.load64(pa);
  }

  store64(pa: number, value: bigint): void {
    this.#ram.store64(pa, value);
  }

  allocate(size: number, alignment: number): number {
    const pa = this.#ram.allocate(size, alignment);
    this.#pieces.push({ pa, size });
    return pa;
  }

  freeAll(): void {
    for (const { pa, size } of this.#pieces.splice(0)) this.#ram.free(pa, size);
  }
}
