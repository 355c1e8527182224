// SPDX-License-Identifier: MIT
// The way to memory of a bus master that no SMMU is in front of: its addresses are
// physical ones.

import type { MemoryRegion } from '../../../assembly/load.ts';
import { offsetOfGpa } from '../../../devices/bus/guest-memory.ts';
import type { DmaPort, DmaResult } from '../../../devices/plugin/index.ts';

const NOTHING: DmaResult = { ok: false, done: 0 };
/** There is no SMMU that could number its stream. */
const NO_STREAM = 0;
/** An index of a ring is written at once, so that no vCPU sees a half of it. */
const HALFWORD = 2;

/** A port to the RAM of a machine. */
export class PhysicalPort implements DmaPort {
  readonly streamId = NO_STREAM;
  readonly #regions: readonly MemoryRegion[];
  readonly #bytes: Uint8Array;
  readonly #halfwords: Uint16Array;

  constructor(memory: WebAssembly.Memory, ram: MemoryRegion) {
    this.#regions = [ram];
    this.#bytes = new Uint8Array(memory.buffer);
    this.#halfwords = new Uint16Array(memory.buffer);
  }

  read(address: number, target: Uint8Array): DmaResult {
    const at = offsetOfGpa(this.#regions, address, target.length);
    if (at < 0) return NOTHING;
    target.set(this.#bytes.subarray(at, at + target.length));
    return { ok: true, done: target.length };
  }

  write(address: number, source: Uint8Array): DmaResult {
    const at = offsetOfGpa(this.#regions, address, source.length);
    if (at < 0) return NOTHING;
    if (source.length === HALFWORD && at % HALFWORD === 0) {
      const [low = 0, high = 0] = source;
      Atomics.store(this.#halfwords, at / HALFWORD, low + high * 0x100);
    } else {
      this.#bytes.set(source, at);
    }
    return { ok: true, done: source.length };
  }
}
