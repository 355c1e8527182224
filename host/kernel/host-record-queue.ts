// SPDX-License-Identifier: MIT
// The host's driver of the physical SMMU's event queue and PRI queue (IHI 0070 section
// 7.2, chapter 8).

import {
  EVENTQ_ENTRY_SIZE,
  PRIQ_ENTRY_SIZE,
  Q_OVFLG,
  SMMU_EVENTQ_BASE,
  SMMU_EVENTQ_CONS,
  SMMU_EVENTQ_PROD,
  SMMU_PRIQ_BASE,
  SMMU_PRIQ_CONS,
  SMMU_PRIQ_PROD,
} from '../../assembly/layout/smmu-registers.ts';
import { maskInWord } from '../../devices/plugin/index.ts';
import { loadStructure } from '../../devices/tables/index.ts';
import type { DeviceRegisters } from '../hardware/device-registers.ts';
import type { HostRam } from '../hardware/host-ram.ts';
import { allocateRing } from './ring-memory.ts';

/** BASE.WA: write-allocate, bit 62. */
const BASE_WA = 1 << 30;
const OVERFLOW = maskInWord(Q_OVFLG);

interface HostQueueKind {
  readonly base: number;
  readonly prod: number;
  readonly cons: number;
  readonly entrySize: number;
}

export const HOST_EVENTS: HostQueueKind = {
  base: SMMU_EVENTQ_BASE,
  prod: SMMU_EVENTQ_PROD,
  cons: SMMU_EVENTQ_CONS,
  entrySize: EVENTQ_ENTRY_SIZE,
};
export const HOST_PAGE_REQUESTS: HostQueueKind = {
  base: SMMU_PRIQ_BASE,
  prod: SMMU_PRIQ_PROD,
  cons: SMMU_PRIQ_CONS,
  entrySize: PRIQ_ENTRY_SIZE,
};

export class HostRecordQueue {
  readonly #registers: DeviceRegisters;
  readonly #ram: HostRam;
  readonly #kind: HostQueueKind;
  readonly #log2size: number;
  readonly #ring: number;
  #overflows = 0;

  constructor(registers: DeviceRegisters, ram: HostRam, kind: HostQueueKind, log2size: number) {
    this.#registers = registers;
    this.#ram = ram;
    this.#kind = kind;
    this.#log2size = log2size;
    this.#ring = allocateRing(ram, kind.entrySize, log2size);
  }

  /** How often records were lost because the queue was full. */
  get overflows(): number {
    return this.#overflows;
  }

  /** Programs the queue before it is enabled. */
  initialise(): void {
    this.#registers.write64(this.#kind.base, this.#ring + this.#log2size, BASE_WA);
    this.#registers.write32(this.#kind.prod, 0);
    this.#registers.write32(this.#kind.cons, 0);
  }

  /**
   * Removes the queued records, with one CONS write for each, and acknowledges an
   * overflow after the last one.
   * @param most maximum number of records to remove now.
   * @returns whether records are left.
   */
  drain(most: number, take: (record: Uint32Array) => void): boolean {
    const indexMask = 2 ** (this.#log2size + 1) - 1;
    const taken = this.#registers.read32(this.#kind.cons);
    let cons = taken & indexMask;
    const acknowledged = taken & OVERFLOW;
    // PROD is read once: the SMMU publishes records and raises interrupts in the
    // background of this same thread.
    const prod = this.#registers.read32(this.#kind.prod);
    for (let count = 0; cons !== (prod & indexMask); count++) {
      if (count === most) return true;
      take(this.#record(cons));
      cons = (cons + 1) & indexMask;
      this.#registers.write32(this.#kind.cons, acknowledged | cons);
    }
    if ((prod & OVERFLOW) !== acknowledged) {
      this.#overflows++;
      this.#registers.write32(this.#kind.cons, (prod & OVERFLOW) | cons);
    }
    return false;
  }

  #record(cons: number): Uint32Array {
    const at = this.#ring + (cons % 2 ** this.#log2size) * this.#kind.entrySize;
    return loadStructure(this.#ram, at, this.#kind.entrySize);
  }
}
