// SPDX-License-Identifier: MIT
// An `ArmViommu` with a VINTF of the SMMU's CMDQV (IOMMU_VIOMMU_TYPE_TEGRA241_CMDQV):
// hardware queues, and page 0 of the VINTF for the guest. It drives the physical CMDQV
// through its registers, in Linux's order.

import {
  CMDQV_PAGE_SIZE,
  CMDQV_SIDS_PER_VINTF,
  VCMDQ_STRIDE,
} from '../../../assembly/layout/cmdqv-registers.ts';
import { CMDQ_ENTRY_SIZE } from '../../../assembly/layout/smmu-registers.ts';
import { offsetOfGpa } from '../../../devices/bus/index.ts';
import { ContextBlock, QueueBlock } from '../../../devices/unit/index.ts';
import {
  type DirectPage,
  HW_QUEUE_TYPE_CMDQ_OVERLAY,
  HW_QUEUE_TYPE_TEGRA241_CMDQV,
  type HwQueueDriver,
  type HwQueueRequest,
  type MmapArea,
  VEVENTQ_TYPE_TEGRA241_CMDQV,
  type ViommuRequest,
} from '../../iommufd/index.ts';
import { require } from '../../iommufd/iommufd-error.ts';
import type { CmdqvDriver } from '../cmdqv-driver.ts';
import { type Vm, windowOf } from '../vm.ts';
import type { ArmSmmu } from './arm-device.ts';
import type { ArmStage2 } from './arm-stage2.ts';
import { ArmViommu, PAIR_BITS, type SidPairs } from './arm-viommu.ts';
import { littleEndian } from './little-endian.ts';

/** struct iommu_viommu_tegra241_cmdqv: two outputs. */
export const TEGRA241_VIOMMU_DATA_SIZE = 16;
/** BASE has no address bits below the alignment or from the limit on. */
const BASE_ALIGNMENT = 32;
const BASE_LIMIT = 2 ** 48;

export class Tegra241Viommu extends ArmViommu {
  /** Number of the VINTF. */
  readonly vintf: number;
  override readonly directPage: DirectPage;
  readonly #driver: CmdqvDriver;
  readonly #vintfContext: ContextBlock;
  readonly #blocks: readonly QueueBlock[];
  readonly #queues: (HwQueueDriver | undefined)[];

  /** @param vintf was lent for it, and is enabled with its VMID. */
  constructor(
    iommu: ArmSmmu,
    cmdqv: CmdqvDriver,
    vintf: number,
    stage2: ArmStage2,
    vm: Vm,
    index: number,
    request: ViommuRequest,
  ) {
    super(iommu, stage2, vm, index, request);
    this.#driver = cmdqv;
    this.vintf = vintf;
    this.#vintfContext = new ContextBlock(vm.unit.hostMemory, iommu.smmuIndex, this.vintf);
    this.#vintfContext.window = vm.window;
    this.#blocks = Array.from(
      { length: cmdqv.lvcmdqs },
      (_, lvcmdq) =>
        new QueueBlock(vm.unit.hostMemory, iommu.smmuIndex, this.vintf * cmdqv.lvcmdqs + lvcmdq),
    );
    this.#queues = this.#blocks.map(() => undefined);
    this.directPage = this.#page0();
  }

  override get numbers(): readonly number[] {
    return [...super.numbers, this.vintf, this.#driver.lvcmdqs];
  }

  /** The location of page 0: out_vintf_mmap_offset and out_vintf_mmap_length. */
  answer(mmap: MmapArea | undefined): Uint8Array {
    const answer = new DataView(new ArrayBuffer(TEGRA241_VIOMMU_DATA_SIZE));
    answer.setBigUint64(0, BigInt(mmap?.offset ?? 0), true);
    answer.setBigUint64(8, BigInt(mmap?.length ?? 0), true);
    return new Uint8Array(answer.buffer);
  }

  /** The limits of a VINTF's registers. */
  protected override get limits(): { readonly sidBits: number; readonly devices: number } {
    return { sidBits: PAIR_BITS, devices: CMDQV_SIDS_PER_VINTF };
  }

  protected override get sidPairs(): readonly SidPairs[] {
    return [
      ...super.sidPairs,
      {
        set: (pair: number, virtSid: number, physSid: number) =>
          this.#driver.setSidPair(this.vintf, pair, virtSid, physSid),
        clear: (pair: number) => this.#driver.clearSidPair(this.vintf, pair),
      },
    ];
  }

  /**
   * Page 0 is memory: the guest's while it is placed there, and the host's otherwise. A
   * store to it runs its queue, as a doorbell does.
   */
  #page0(): DirectPage {
    const { memory, unit } = this.vm;
    const host = new Int32Array(unit.hostMemory.buffer);
    const guest = new Int32Array(memory.buffer);
    const place = (offset: number) => {
      const { page0 } = this.#vintfContext;
      if (page0 !== 0)
        return { registers: guest, index: (page0 + (offset % CMDQV_PAGE_SIZE)) >> 2 };
      const block = this.#blocks[Math.floor(offset / VCMDQ_STRIDE)];
      return {
        registers: host,
        index: block ? (block.registers + (offset % VCMDQ_STRIDE)) >> 2 : -1,
      };
    };
    return {
      length: CMDQV_PAGE_SIZE,
      read32(offset) {
        const { registers, index } = place(offset);
        return index < 0 ? 0 : Atomics.load(registers, index) >>> 0;
      },
      write32: (offset, value) => {
        const { registers, index } = place(offset);
        if (index < 0) return;
        Atomics.store(registers, index, value | 0);
        const lvcmdq = Math.floor(offset / VCMDQ_STRIDE);
        const block = this.#blocks[lvcmdq];
        if (block && this.#queues[lvcmdq]) unit.drain.serve(block.smmu, block.index);
      },
      placeInGuest: (memoryOffset) => this.#vintfContext.mapPage0(memory, memoryOffset),
      takeFromGuest: () => this.#vintfContext.unmapPage0(memory),
    };
  }

  override readonly hwQueues = {
    checkType: (type: number) => {
      const known = type === HW_QUEUE_TYPE_TEGRA241_CMDQV || type === HW_QUEUE_TYPE_CMDQ_OVERLAY;
      require(known, 'EOPNOTSUPP', `there are no HW queues of type ${type}`);
    },
    allocate: (request: HwQueueRequest) =>
      request.type === HW_QUEUE_TYPE_TEGRA241_CMDQV
        ? this.#allocateQueue(request)
        : this.allocateOverlay(request),
  };

  #allocateQueue({ index, basePa, length }: HwQueueRequest): HwQueueDriver {
    require(index < this.#queues.length, 'EINVAL', `a VINTF has ${this.#queues.length} LVCMDQs`);
    require(this.#queues[index] === undefined, 'EEXIST', `LVCMDQ ${index} is in use`);
    const dependsOn = this.#queues[index - 1];
    require(index === 0 ||
      dependsOn !== undefined, 'EIO', `LVCMDQ ${index - 1} must be allocated first`);
    const log2size = Math.log2(length / CMDQ_ENTRY_SIZE);
    require(Number.isInteger(log2size) &&
      this.#driver.supportsLog2size(log2size), 'EINVAL', `a ring cannot have ${length} bytes`);
    require(basePa % Math.max(length, BASE_ALIGNMENT) === 0 &&
      basePa < BASE_LIMIT, 'EINVAL', 'the ring is not aligned to its size');
    // Regions with adjacent gpas need not be adjacent in the VM's memory.
    require(offsetOfGpa(this.vm.regions, windowOf(basePa).address, length) >=
      0, 'EFAULT', 'the ring is not contiguous in memory');
    this.iommu.gate('allocation', 'LVCMDQ');
    this.#driver.allocateQueue(this.vintf, index, basePa, log2size);
    const queue: HwQueueDriver = {
      dependsOn,
      destroy: () => {
        this.#driver.freeQueue(this.vintf, index);
        this.#queues[index] = undefined;
      },
    };
    this.#queues[index] = queue;
    return queue;
  }

  /**
   * Reports errors of its queues that have become visible, when the CMDQV interrupts. The
   * guest acknowledges them, not the host.
   */
  reportErrors(lvcmdqs: readonly number[]): void {
    const map = [0, 0, 0, 0];
    for (const lvcmdq of lvcmdqs)
      map[lvcmdq >>> 5] = ((map[lvcmdq >>> 5] ?? 0) | (1 << (lvcmdq & 31))) >>> 0;
    this.events(VEVENTQ_TYPE_TEGRA241_CMDQV, littleEndian(...map));
  }

  override destroy(): void {
    this.#vintfContext.unmapPage0(this.vm.memory);
    this.#driver.takeBack(this.vintf);
    this.#vintfContext.window = 0;
    super.destroy();
  }
}
