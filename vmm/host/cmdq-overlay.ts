// The VMM's end of the overlay path: the HW queue that runs the guest's one CMDQ, and the two registers of it that the guest has.

import { CMDQV_MAX_VINTFS } from '../../assembly/layout/cmdqv-registers.ts';
import { CMDQ_ENTRY_SIZE } from '../../assembly/layout/smmu-registers.ts';
import type { OverlayBackend } from '../../devices/smmuv3/index.ts';
import { HW_QUEUE_TYPE_CMDQ_OVERLAY, IommufdError } from '../iommufd/index.ts';
import type { Viommu } from './viommu.ts';

export class CmdqOverlay implements OverlayBackend {
  readonly doorbellId: number;
  readonly #viommu: Viommu;
  readonly #invalidate: (command: Uint8Array) => number;
  readonly #guest: Int32Array;
  /** ID of the HW queue. */
  #queue: number | undefined;

  constructor(viommu: Viommu, smmuIndex: number, invalidate: (command: Uint8Array) => number) {
    this.doorbellId = (smmuIndex << 8) | (CMDQV_MAX_VINTFS + viommu.index);
    this.#viommu = viommu;
    this.#invalidate = invalidate;
    this.#guest = new Int32Array(viommu.vm.memory.buffer);
  }

  get allocated(): boolean {
    return this.#queue !== undefined;
  }

  allocate(baseGpa: number, log2size: number): boolean {
    const length = BigInt(CMDQ_ENTRY_SIZE) << BigInt(log2size);
    const { fd, id } = this.#viommu;
    try {
      this.#queue = fd.hwQueueAlloc({ viommu: id, type: HW_QUEUE_TYPE_CMDQ_OVERLAY, index: 0, iova: BigInt(baseGpa), length });
      return true;
    } catch (error) {
      if (error instanceof IommufdError) return false;
      throw error;
    }
  }

  place(memoryOffset: number, prod: number, cons: number): void {
    Atomics.store(this.#guest, memoryOffset >> 2, prod);
    Atomics.store(this.#guest, (memoryOffset >> 2) + 1, cons);
    this.#viommu.commandQueue.overlay = memoryOffset;
  }

  readProd(): number {
    return Atomics.load(this.#guest, this.#viommu.commandQueue.overlay >> 2) >>> 0;
  }

  writeProd(prod: number): void {
    Atomics.store(this.#guest, this.#viommu.commandQueue.overlay >> 2, prod | 0);
  }

  writeCons(cons: number): void {
    Atomics.store(this.#guest, (this.#viommu.commandQueue.overlay >> 2) + 1, cons | 0);
  }

  free(): void {
    if (this.#queue !== undefined) this.#viommu.fd.destroy(this.#queue);
    this.#queue = undefined;
  }

  emulate(words: readonly number[]): boolean {
    try {
      return this.#invalidate(new Uint8Array(Uint32Array.from(words).buffer)) === 1;
    } catch (error) {
      if (error instanceof IommufdError) return false;
      throw error;
    }
  }
}
