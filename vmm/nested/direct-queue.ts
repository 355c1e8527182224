// SPDX-License-Identifier: MIT
// The VMM's side of a command queue whose PROD and CONS are mapped into its guest: its HW
// queue, and the two registers. The CMDQ is queue 0 (the overlay path), the ECMDQs
// follow.

import { CMDQ_ENTRY_SIZE } from '../../assembly/layout/smmu-registers.ts';
import type { OverlayBackend } from '../../devices/smmuv3/index.ts';
import type { ContextBlock, QueueBlock } from '../../devices/unit/index.ts';
import { HW_QUEUE_TYPE_CMDQ_OVERLAY, type Iommufd } from '../../host/iommufd/index.ts';
import type { Vm } from '../../host/kernel/index.ts';
import { unlessRefused } from './refused.ts';

/** The vIOMMU of the queue. */
export interface DirectQueueOwner {
  readonly vm: Vm;
  readonly fd: Iommufd;
  /** ID of the vIOMMU in `fd`. */
  readonly id: number;
  /** The vIOMMU's own command context, with slots for its queues. */
  readonly context: ContextBlock;
}

export class DirectQueue implements OverlayBackend {
  readonly doorbellId: number;
  readonly #viommu: DirectQueueOwner;
  readonly #invalidate: (command: Uint8Array) => number;
  readonly #guest: Int32Array;
  readonly #block: QueueBlock;
  readonly #number: number;
  /** ID of the HW queue. */
  #queue: number | undefined;

  constructor(
    viommu: DirectQueueOwner,
    number: number,
    block: QueueBlock,
    invalidate: (command: Uint8Array) => number,
  ) {
    this.doorbellId = viommu.context.doorbellId(number);
    this.#viommu = viommu;
    this.#number = number;
    this.#block = block;
    this.#invalidate = invalidate;
    this.#guest = new Int32Array(viommu.vm.memory.buffer);
  }

  get allocated(): boolean {
    return this.#queue !== undefined;
  }

  allocate(baseGpa: number, log2size: number): boolean {
    const length = BigInt(CMDQ_ENTRY_SIZE) << BigInt(log2size);
    const { fd, id } = this.#viommu;
    return unlessRefused(() => {
      this.#queue = fd.hwQueueAlloc({
        viommu: id,
        type: HW_QUEUE_TYPE_CMDQ_OVERLAY,
        index: this.#number,
        iova: BigInt(baseGpa),
        length,
      });
      return true;
    }, false);
  }

  place(memoryOffset: number, prod: number, cons: number): void {
    Atomics.store(this.#guest, memoryOffset >> 2, prod);
    Atomics.store(this.#guest, (memoryOffset >> 2) + 1, cons);
    this.#block.overlay = memoryOffset;
  }

  readProd(): number {
    return Atomics.load(this.#guest, this.#block.overlay >> 2) >>> 0;
  }

  readCons(): number {
    return Atomics.load(this.#guest, (this.#block.overlay >> 2) + 1) >>> 0;
  }

  writeProd(prod: number): void {
    Atomics.store(this.#guest, this.#block.overlay >> 2, prod | 0);
  }

  writeCons(cons: number): void {
    Atomics.store(this.#guest, (this.#block.overlay >> 2) + 1, cons | 0);
  }

  free(): void {
    if (this.#queue !== undefined) this.#viommu.fd.destroy(this.#queue);
    this.#queue = undefined;
  }

  emulate(words: readonly number[]): boolean {
    const command = new Uint8Array(Uint32Array.from(words).buffer);
    return unlessRefused(() => this.#invalidate(command) === 1, false);
  }
}
