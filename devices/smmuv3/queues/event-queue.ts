// The event queue of a guest's SMMU: records that the host hands over, written into the guest's memory (IHI 0070 sections 3.5.2 and 7.2).

import {
  CR0_EVTQEN,
  EVTQ_ENTRY_SIZE,
  GERROR_EVTQ_ABT_ERR,
  SMMU_EVTQ_CONS,
  SMMU_EVTQ_PROD,
} from '../../../assembly/layout/smmu-registers.ts';
import type { GuestMemory } from '../../plugin/index.ts';
import { overflowFlag, queueIndex, type SmmuRegisters } from '../register-rules.ts';

/** The producer side; the registers hold its state. */
export class EventQueue {
  readonly #registers: SmmuRegisters;
  readonly #memory: GuestMemory;

  constructor(registers: SmmuRegisters, memory: GuestMemory) {
    this.#registers = registers;
    this.#memory = memory;
  }

  /** Adds a record of 8 words, or loses it as the architecture has it. */
  add(record: Uint32Array): void {
    if (!this.#registers.enabled(CR0_EVTQEN) || this.#registers.errorActive(GERROR_EVTQ_ABT_ERR)) return;
    const { base, log2size } = this.#registers.eventQueue();
    const size = 2 ** log2size;
    const prodFlags = this.#registers.get(SMMU_EVTQ_PROD);
    const prod = queueIndex(prodFlags, log2size);
    const consFlags = this.#registers.get(SMMU_EVTQ_CONS);
    const cons = queueIndex(consFlags, log2size);
    const flag = overflowFlag(prodFlags);
    if (queueIndex(prod - cons, log2size) >= size) {
      // Full: OVFLG toggles once, until software has made OVACKFLG equal. Not an EVTQ_ABT_ERR.
      if (flag === overflowFlag(consFlags)) this.#registers.set(SMMU_EVTQ_PROD, (prodFlags ^ 0x80000000) >>> 0);
      return;
    }
    const address = base + (prod % size) * EVTQ_ENTRY_SIZE;
    for (let i = 0; i < 8; i += 2) {
      const value = (BigInt(record[i + 1] ?? 0) << 32n) | BigInt(record[i] ?? 0);
      if (this.#memory.store64(address + 4 * i, value)) continue;
      this.#registers.raiseError(GERROR_EVTQ_ABT_ERR);
      return;
    }
    // The record is in memory before PROD moves, and PROD has moved before the interrupt.
    this.#registers.set(SMMU_EVTQ_PROD, (flag | queueIndex(prod + 1, log2size)) >>> 0);
    if (prod === cons) this.#registers.raiseEvents();
  }
}
