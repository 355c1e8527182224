// SPDX-License-Identifier: MIT
// Host RAM: window 0 of the physical address map. It stores the stream table, the stage 2
// tables and the host's queues.

import type { TableMemory } from '../../devices/tables/index.ts';
import { type PhysicalMemory, PhysicalRam } from '../../devices/unit/index.ts';
import { OPEN_GATE, type ResourceGate } from '../iommufd/index.ts';
import { HostError } from './host-error.ts';

const FIRST = 0x1000;

/**
 * Addresses are PAs of window 0. PA 0 is never allocated: many registers read it as
 * "none".
 */
export class HostRam implements TableMemory, PhysicalMemory {
  /**
   * The same RAM as the physical devices' bus sees it: accesses outside it reach nothing.
   */
  readonly physical: PhysicalRam;
  readonly #gate: ResourceGate;
  #next = FIRST;
  #inUse = 0;
  /**
   * Freed pieces by size. Tables and queues come in few sizes, so a freed piece fits the
   * next request of its size.
   */
  readonly #free = new Map<number, number[]>();

  /** @param gate called before each allocation. */
  constructor(hostMemory: WebAssembly.Memory, gate: ResourceGate = OPEN_GATE) {
    this.physical = new PhysicalRam(hostMemory);
    this.#gate = gate;
  }

  /** Allocated bytes. */
  get inUse(): number {
    return this.#inUse;
  }

  get size(): number {
    return this.physical.size;
  }

  #refuse(pa: number): never {
    throw new RangeError(`0x${pa.toString(16)} is not an aligned address in host RAM`);
  }

  load64(pa: number): bigint {
    return this.physical.load64(pa) ?? this.#refuse(pa);
  }

  store64(pa: number, value: bigint): void {
    if (!this.physical.store64(pa, value)) this.#refuse(pa);
  }

  /** The bytes of a range, for DMA copies; undefined unless all of it is RAM. */
  bytes(pa: number, length: number): Uint8Array | undefined {
    return this.physical.bytes(pa, length);
  }

  /**
   * Allocates zeroed RAM.
   * @returns its PA.
   * @throws {HostError} `no-ram` when none is left.
   */
  allocate(size: number, alignment: number): number {
    this.#gate('allocation', 'host RAM');
    const freed = this.#free.get(size);
    const again = freed?.findIndex((pa) => pa % alignment === 0) ?? -1;
    if (freed && again >= 0) {
      const [pa = 0] = freed.splice(again, 1);
      this.bytes(pa, size)?.fill(0);
      this.#inUse += size;
      return pa;
    }
    const pa = Math.ceil(this.#next / alignment) * alignment;
    if (pa + size > this.size)
      throw new HostError(
        'no-ram',
        `host RAM is exhausted: ${size} bytes requested, ${this.size - this.#next} left`,
      );
    this.#next = pa + size;
    this.#inUse += size;
    return pa;
  }

  /** Frees a piece that `allocate` returned. */
  free(pa: number, size: number): void {
    this.#inUse -= size;
    const pieces = this.#free.get(size);
    if (pieces) pieces.push(pa);
    else this.#free.set(size, [pa]);
  }
}

/** Pieces of host RAM that are freed together. */
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
