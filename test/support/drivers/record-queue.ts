// SPDX-License-Identifier: MIT
// A queue that the SMMU fills, as read by Linux's arm-smmu-v3: the event queue, or the
// PRI queue. Its pointers are in register page 1.

import type { DriverPlatform } from './driver-platform.ts';

export interface RecordQueueOptions {
  /** Offset of its BASE; PROD and CONS are 8 and 12 bytes further, in page 1. */
  readonly registers: number;
  readonly log2size: number;
  /** Doublewords of a record. */
  readonly dwords: number;
}

const PAGE1 = 0x10000;
const OVERFLOW = 0x80000000;

export class RecordQueue {
  /** "overflow detected". */
  overflows = 0;
  readonly #platform: DriverPlatform;
  readonly #options: RecordQueueOptions;
  readonly #base: number;

  /** arm_smmu_init_one_queue. */
  constructor(platform: DriverPlatform, options: RecordQueueOptions) {
    this.#platform = platform;
    this.#options = options;
    const bytes = 8 * options.dwords * 2 ** options.log2size;
    this.#base = platform.memory.allocate(bytes, bytes);
  }

  get #pointers(): { readonly prod: number; readonly cons: number } {
    const { registers } = this.#options;
    return { prod: PAGE1 + registers + 8, cons: PAGE1 + registers + 12 };
  }

  /** Its part of arm_smmu_device_reset. */
  reset(): void {
    const { smmu } = this.#platform;
    const { registers, log2size } = this.#options;
    smmu.write64(registers, 0x4000_0000_0000_0000n | BigInt(this.#base + log2size));
    smmu.write32(this.#pointers.prod, 0);
    smmu.write32(this.#pointers.cons, 0);
  }

  /**
   * queue_remove_raw until it is empty, CONS after each record; then queue_sync_prod_in,
   * queue_sync_cons_ovf.
   */
  drain(take: (record: bigint[]) => void): void {
    const { smmu, memory } = this.#platform;
    const { log2size, dwords } = this.#options;
    const pointers = this.#pointers;
    const mask = 2 ** (log2size + 1) - 1;
    let cons = smmu.read32(pointers.cons);
    while (((smmu.read32(pointers.prod) ^ cons) & mask) !== 0) {
      const at = this.#base + 8 * dwords * (cons & (mask >> 1));
      take(Array.from({ length: dwords }, (_, i) => memory.load64(at + 8 * i)));
      cons = ((cons & OVERFLOW) | ((cons + 1) & mask)) >>> 0;
      smmu.write32(pointers.cons, cons);
    }
    const prod = smmu.read32(pointers.prod);
    if (((prod ^ cons) & OVERFLOW) === 0) return;
    this.overflows++;
    smmu.write32(pointers.cons, ((prod & OVERFLOW) | (cons & ~OVERFLOW)) >>> 0);
  }
}
