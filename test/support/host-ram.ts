// SPDX-License-Identifier: MIT
// Host RAM of a test, window 0 of the physical address map, as memory for tables.

import { HOST_AT_RAM_BASE, HOST_AT_RAM_SIZE } from '../../assembly/layout/host-memory.ts';
import type { TableMemory } from '../../devices/tables/index.ts';

export class HostRam implements TableMemory {
  readonly #bytes: DataView;
  #next = 0x1000;

  constructor(hostMemory: WebAssembly.Memory) {
    const header = new DataView(hostMemory.buffer);
    this.#bytes = new DataView(
      hostMemory.buffer,
      header.getUint32(HOST_AT_RAM_BASE, true),
      header.getUint32(HOST_AT_RAM_SIZE, true),
    );
  }

  load32(pa: number): number {
    return this.#bytes.getUint32(pa, true);
  }
  load64(pa: number): bigint {
    return this.#bytes.getBigUint64(pa, true);
  }
  store64(pa: number, value: bigint): void {
    this.#bytes.setBigUint64(pa, value, true);
  }
  allocate(size: number, alignment: number): number {
    const pa = Math.ceil(this.#next / alignment) * alignment;
    this.#next = pa + size;
    if (this.#next > this.#bytes.byteLength) throw new RangeError('host RAM is used up');
    return pa;
  }
}
