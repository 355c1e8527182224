// SPDX-License-Identifier: MIT
// The VMM's side of a VINTF: HW queues and the direct page of a vIOMMU, with the
// interface that the guest's CMDQV needs.

import { VCMDQ_STRIDE } from '../../assembly/layout/cmdqv-registers.ts';
import { QUEUE_ERROR_HELD } from '../../assembly/layout/queue-memory.ts';
import { CMDQ_ENTRY_SIZE } from '../../assembly/layout/smmu-registers.ts';
import type { VintfBackend } from '../../devices/cmdqv/index.ts';
import { ContextBlock, QueueBlock } from '../../devices/unit/index.ts';
import { HostError } from '../../host/hardware/host-error.ts';
import {
  HW_QUEUE_TYPE_TEGRA241_CMDQV,
  type MappedPage,
  VEVENTQ_TYPE_TEGRA241_CMDQV,
} from '../../host/iommufd/index.ts';
import type { NestedSmmu } from './nested-smmu.ts';
import { unlessRefused } from './refused.ts';
import { veventBytes, vevents } from './vevents.ts';

/** Size of LVCMDQ_ERR_MAP in a vEVENT: 128 bits. */
const ERR_MAP_SIZE = 16;
/** The maps of every error replace those of earlier ones. */
const EVENT_DEPTH = 16;

export class LentVintf implements VintfBackend {
  readonly viommu: NestedSmmu;
  /** Number of the VINTF on the physical CMDQV. */
  readonly index: number;
  readonly lvcmdqCount: number;
  readonly doorbellId: number;
  readonly context: ContextBlock;
  readonly #page: MappedPage;
  readonly #blocks: readonly QueueBlock[];
  /** IDs of the HW queues. */
  readonly #queues: (number | undefined)[];
  #raise: ((lvcmdq: number) => void) | undefined;

  /**
   * @throws {HostError | IommufdError} for a vIOMMU without a VINTF, or when a resource
   *   cannot be allocated; nothing is left behind.
   */
  constructor(viommu: NestedSmmu) {
    const { fd, mmap, numbers, vm } = viommu;
    const [smmuIndex = 0, , index = 0, lvcmdqs = 0] = numbers;
    if (!mmap) throw new HostError('no-vintf', `the vIOMMU of ${vm.name} has no VINTF`);
    this.viommu = viommu;
    this.index = index;
    this.lvcmdqCount = lvcmdqs;
    const { hostMemory } = vm.unit;
    this.context = new ContextBlock(hostMemory, smmuIndex, index);
    this.doorbellId = this.context.doorbellId(0);
    this.#blocks = Array.from(
      { length: lvcmdqs },
      (_, lvcmdq) => new QueueBlock(hostMemory, smmuIndex, index * lvcmdqs + lvcmdq),
    );
    this.#queues = this.#blocks.map(() => undefined);
    this.#page = fd.mmap(mmap.offset, mmap.length);
    try {
      const { file } = fd.veventqAlloc({
        viommu: viommu.id,
        type: VEVENTQ_TYPE_TEGRA241_CMDQV,
        depth: EVENT_DEPTH,
      });
      file.onReadable = () => this.#takeErrors(file.read(veventBytes(EVENT_DEPTH, ERR_MAP_SIZE)));
    } catch (error) {
      this.#page.unmap();
      throw error;
    }
  }

  /**
   * Applies the policy to withheld errors of its VCMDQs, before the guest sees them.
   * @returns true when there are more, for the next safe point.
   */
  decideErrors(): boolean {
    const { viommu } = this;
    const { drain } = viommu.vm.unit;
    let more = false;
    this.#blocks.forEach((block, lvcmdq) => {
      const decision = viommu.applyErrorPolicy(lvcmdq, block, () =>
        drain.serve(block.smmu, block.index),
      );
      if (decision === 'stop') viommu.vm.stop(`a command on VCMDQ ${lvcmdq} was refused`);
      else if (decision === 'report') drain.publishError(block.smmu, block.index);
      else if (block.state === QUEUE_ERROR_HELD) more = true;
    });
    return more;
  }

  /** Blocks of all its VCMDQs. */
  get queues(): readonly QueueBlock[] {
    return this.#blocks;
  }

  queue(lvcmdq: number): QueueBlock {
    const block = this.#blocks[lvcmdq];
    if (!block)
      throw new RangeError(
        `VINTF ${this.index} has ${this.lvcmdqCount} LVCMDQs, not ${lvcmdq + 1}`,
      );
    return block;
  }

  setEnabled(): void {
    // The kernel enables the physical VINTF while it is lent; without HW queues that has
    // no effect.
  }

  allocateQueue(lvcmdq: number, baseGpa: number, log2size: number): boolean {
    const length = BigInt(CMDQ_ENTRY_SIZE) << BigInt(log2size);
    return unlessRefused(() => {
      this.#queues[lvcmdq] = this.viommu.fd.hwQueueAlloc({
        viommu: this.viommu.id,
        type: HW_QUEUE_TYPE_TEGRA241_CMDQV,
        index: lvcmdq,
        iova: BigInt(baseGpa),
        length,
      });
      return true;
    }, false);
  }

  freeQueue(lvcmdq: number): void {
    const id = this.#queues[lvcmdq];
    if (id === undefined) return;
    this.viommu.fd.destroy(id);
    this.viommu.forgetErrors(this.queue(lvcmdq));
    this.#queues[lvcmdq] = undefined;
  }

  mapPage0(memoryOffset: number): void {
    this.#page.page.placeInGuest(memoryOffset);
  }

  unmapPage0(): void {
    this.#page.page.takeFromGuest();
  }

  readPage0(lvcmdq: number, register: number): number {
    return this.#page.page.read32(lvcmdq * VCMDQ_STRIDE + register);
  }

  writePage0(lvcmdq: number, register: number, value: number): void {
    this.#page.page.write32(lvcmdq * VCMDQ_STRIDE + register, value);
  }

  onError(raise: (lvcmdq: number) => void): void {
    this.#raise = raise;
  }

  #takeErrors(bytes: Uint8Array): void {
    for (const errors of vevents(bytes, ERR_MAP_SIZE)) {
      for (let lvcmdq = 0; lvcmdq < this.lvcmdqCount; lvcmdq++) {
        if ((errors.getUint32(4 * (lvcmdq >>> 5), true) >>> (lvcmdq & 31)) & 1)
          this.#raise?.(lvcmdq);
      }
    }
  }
}
