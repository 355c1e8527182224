// SPDX-License-Identifier: MIT
// Host RAM: window 0 of the physical address map, where stream table, stage-2 tables and the host's queues lie.

import type { TableMemory } from '../../devices/tables/index.ts';
import { type PhysicalMemory, PhysicalRam } from '../../devices/unit/index.ts';
import { OPEN_GATE, type ResourceGate } from '../iommufd/index.ts';
import { HostError } from './host-error.ts';

const FIRST = 0x1000;

/** Addresses are PA of window 0. PA 0 is never handed out: many registers read it as "none". */
export class HostRam implements TableMemory, PhysicalMemory {
  /** The same RAM as the physical devices' bus has it: what lies outside is nobody's. */
  readonly physical: PhysicalRam;
  readonly #gate: ResourceGate;
  #next = FIRST;
  #inUse = 0;
  /** Freed pieces by size: tables and queues come in few sizes, so that a piece fits whoever asks next. */
  readonly #free = new Map<number, number[]>();

  /** `gate` is told of each allocation. */
  constructor(hostMemory: WebAssembly.Memory, gate: ResourceGate = OPEN_GATE) {
    this.physical = new PhysicalRam(hostMemory);
    this.#gate = gate;
  }

  /** Bytes that are given out. */
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

  /** The bytes of a range, for copies by DMA. */
  bytes(pa: number, length: number): Uint8Array | undefined {
    return this.physical.bytes(pa, length);
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
      this.bytes(pa, size)?.fill(0);
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
