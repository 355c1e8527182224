// The host's driver of the physical SMMU's event queue (IHI 0070 section 7.2).

import { EVTQ_ENTRY_SIZE, EVTQ_OVFLG, SMMU_EVTQ_BASE, SMMU_EVTQ_CONS, SMMU_EVTQ_PROD } from '../../assembly/layout/smmu-registers.ts';
import { maskInWord } from '../../devices/plugin/index.ts';
import type { HostRam } from './host-ram.ts';
import type { Registers } from './registers.ts';

/** BASE.WA: write-allocate, bit 62. */
const BASE_WA = 1 << 30;
const OVERFLOW = maskInWord(EVTQ_OVFLG);

export class HostEventQueue {
  readonly #registers: Registers;
  readonly #ram: HostRam;
  readonly #log2size: number;
  readonly #ring: number;
  #overflows = 0;

  constructor(registers: Registers, ram: HostRam, log2size: number) {
    this.#registers = registers;
    this.#ram = ram;
    this.#log2size = log2size;
    const bytes = EVTQ_ENTRY_SIZE * 2 ** log2size;
    this.#ring = ram.allocate(bytes, bytes);
  }

  /** Times that records were lost because the queue was full. */
  get overflows(): number {
    return this.#overflows;
  }

  /** Programs the queue; EVTQEN is still 0. */
  initialise(): void {
    this.#registers.write64(SMMU_EVTQ_BASE, this.#ring + this.#log2size, BASE_WA);
    this.#registers.write32(SMMU_EVTQ_PROD, 0);
    this.#registers.write32(SMMU_EVTQ_CONS, 0);
  }

  /** Takes every record that is there, one CONS write for each, and acknowledges an overflow. Returns how many. */
  drain(take: (record: Uint32Array) => void): number {
    const indexMask = 2 ** (this.#log2size + 1) - 1;
    const taken = this.#registers.read32(SMMU_EVTQ_CONS);
    let cons = taken & indexMask;
    const acknowledged = taken & OVERFLOW;
    // One look at PROD: the SMMU notices records, and raises interrupts, in the background of this same thread.
    const prod = this.#registers.read32(SMMU_EVTQ_PROD);
    let count = 0;
    for (; cons !== (prod & indexMask); count++) {
      take(this.#record(cons));
      cons = (cons + 1) & indexMask;
      this.#registers.write32(SMMU_EVTQ_CONS, acknowledged | cons);
    }
    if ((prod & OVERFLOW) !== acknowledged) {
      this.#overflows++;
      this.#registers.write32(SMMU_EVTQ_CONS, (prod & OVERFLOW) | cons);
    }
    return count;
  }

  #record(cons: number): Uint32Array {
    const at = this.#ring + (cons % 2 ** this.#log2size) * EVTQ_ENTRY_SIZE;
    const record = new Uint32Array(EVTQ_ENTRY_SIZE / 4);
    for (let i = 0; i < record.length; i += 2) {
      const word = this.#ram.load64(at + 4 * i);
      record[i] = Number(word & 0xffffffffn);
      record[i + 1] = Number(word >> 32n);
    }
    return record;
  }
}
