// Stage 2 of a VM: its guest physical addresses (IPA) to physical ones. PA = (window << 32) | gpa.

import type { MemoryRegion } from '../../assembly/load.ts';
import { PageTable, S2_READ_WRITE, type SteStage2 } from '../../devices/tables/index.ts';
import { type HostRam, RamPool } from './host-ram.ts';

const INPUT_BITS = 48;

export class Stage2 {
  readonly vmid: number;
  readonly #pool: RamPool;
  readonly #table: PageTable;

  /** Maps RAM and nothing else: a device that reaches for another address faults. */
  constructor(ram: HostRam, vmid: number, window: number, regions: readonly MemoryRegion[]) {
    this.vmid = vmid;
    this.#pool = new RamPool(ram);
    try {
      this.#table = new PageTable(this.#pool, { stage: 2, inputBits: INPUT_BITS });
      for (const { gpa, size } of regions) this.#table.map(gpa, physicalAddress(window, gpa), size, S2_READ_WRITE);
    } catch (error) {
      this.#pool.freeAll();
      throw error;
    }
  }

  /** What an STE says about this stage 2. */
  get ste(): SteStage2 {
    return { vmid: this.vmid, ttb: this.#table.root, inputBits: INPUT_BITS };
  }

  /** Gives the tables back. Nothing may use them any more. */
  destroy(): void {
    this.#pool.freeAll();
  }
}

/** PA of an address in a window of the physical address map. */
export function physicalAddress(window: number, address: number): number {
  return window * 2 ** 32 + address;
}
