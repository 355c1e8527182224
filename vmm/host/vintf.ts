// The host behind a guest's CMDQV: a VINTF of the physical CMDQV, lent to one VM and worked through the registers.

import { CMDQV_PAGE_SIZE, VCMDQ_STRIDE } from '../../assembly/layout/cmdqv-registers.ts';
import { CMDQ_ENTRY_SIZE } from '../../assembly/layout/smmu-registers.ts';
import type { VintfBackend } from '../../devices/cmdqv/index.ts';
import { ContextBlock, QueueBlock } from '../../devices/unit/index.ts';
import { offsetOfGpa } from '../machine/index.ts';
import type { CmdqvDriver } from './cmdqv-driver.ts';
import { physicalAddress } from './stage2.ts';
import type { Viommu } from './viommu.ts';

/** Smallest alignment of a ring: BASE has no address bits below. */
const RING_ALIGNMENT = 32;

export class Vintf implements VintfBackend {
  readonly viommu: Viommu;
  /** Number of the VINTF on the physical CMDQV. */
  readonly index: number;
  readonly lvcmdqCount: number;
  readonly doorbellId: number;
  readonly context: ContextBlock;
  readonly #driver: CmdqvDriver;
  readonly #queues: readonly QueueBlock[];
  readonly #allocated: boolean[];
  #raise: ((lvcmdq: number) => void) | undefined;

  /** Borrows a VINTF for the VM of a vIOMMU and gives it the VM's streams. */
  constructor(driver: CmdqvDriver, viommu: Viommu, smmuIndex: number) {
    const { hostMemory } = viommu.vm.unit;
    this.viommu = viommu;
    this.#driver = driver;
    this.index = driver.lend();
    this.lvcmdqCount = driver.lvcmdqs;
    this.doorbellId = (smmuIndex << 8) | this.index;
    this.context = new ContextBlock(hostMemory, smmuIndex, this.index);
    this.context.window = viommu.vm.window;
    this.#queues = Array.from(
      { length: this.lvcmdqCount },
      (_, lvcmdq) => new QueueBlock(hostMemory, smmuIndex, this.index * this.lvcmdqCount + lvcmdq),
    );
    this.#allocated = this.#queues.map(() => false);
    for (const [pair, [virtSid, physSid]] of [...viommu.streams].entries()) driver.setSidPair(this.index, pair, virtSid, physSid);
  }

  /** Blocks of all its VCMDQs. */
  get queues(): readonly QueueBlock[] {
    return this.#queues;
  }

  queue(lvcmdq: number): QueueBlock {
    const block = this.#queues[lvcmdq];
    if (!block) throw new RangeError(`VINTF ${this.index} has ${this.lvcmdqCount} LVCMDQs, not ${lvcmdq + 1}`);
    return block;
  }

  setEnabled(enabled: boolean): void {
    if (enabled) this.#driver.enableVintf(this.index, this.viommu.vmid, false);
    else this.#driver.disableVintf(this.index);
  }

  allocateQueue(lvcmdq: number, baseGpa: number, log2size: number): boolean {
    const bytes = CMDQ_ENTRY_SIZE * 2 ** log2size;
    if (this.#allocated[lvcmdq] !== false || !this.#driver.takesLog2size(log2size)) return false;
    if (baseGpa % Math.max(bytes, RING_ALIGNMENT) !== 0 || offsetOfGpa(this.viommu.vm.regions, baseGpa, bytes) < 0) return false;
    this.#driver.allocateQueue(this.index, lvcmdq, physicalAddress(this.viommu.vm.window, baseGpa), log2size);
    this.#allocated[lvcmdq] = true;
    return true;
  }

  freeQueue(lvcmdq: number): void {
    if (!this.#allocated[lvcmdq]) return;
    this.#driver.freeQueue(this.index, lvcmdq);
    this.#allocated[lvcmdq] = false;
  }

  mapPage0(memoryOffset: number): void {
    this.context.mapPage0(this.viommu.vm.memory, memoryOffset);
  }

  unmapPage0(): void {
    this.context.unmapPage0(this.viommu.vm.memory);
  }

  /** Page 0 is memory, of the guest while it is mapped there and of the host otherwise: as the VMM has it from mmap. */
  #register(lvcmdq: number, register: number): { words: Int32Array; index: number } {
    const { memory, unit } = this.viommu.vm;
    const { page0 } = this.context;
    if (page0 !== 0) {
      const offset = (lvcmdq * VCMDQ_STRIDE + register) % CMDQV_PAGE_SIZE;
      return { words: new Int32Array(memory.buffer), index: (page0 + offset) >> 2 };
    }
    return { words: new Int32Array(unit.hostMemory.buffer), index: (this.queue(lvcmdq).registers + register) >> 2 };
  }

  readPage0(lvcmdq: number, register: number): number {
    const { words, index } = this.#register(lvcmdq, register);
    return Atomics.load(words, index) >>> 0;
  }

  writePage0(lvcmdq: number, register: number, value: number): void {
    const { words, index } = this.#register(lvcmdq, register);
    Atomics.store(words, index, value | 0);
    const block = this.queue(lvcmdq);
    if (this.#allocated[lvcmdq]) this.viommu.vm.unit.drain.serve(block.smmu, block.index);
  }

  onError(raise: (lvcmdq: number) => void): void {
    this.#raise = raise;
  }

  /** The host has published an error of a queue. */
  notifyError(lvcmdq: number): void {
    this.#raise?.(lvcmdq);
  }

  /** Gives the VINTF back. The guest's device has been reset or is gone. */
  destroy(): void {
    this.unmapPage0();
    this.#driver.takeBack(this.index);
    this.#allocated.fill(false);
    this.context.window = 0;
  }
}
