// SPDX-License-Identifier: MIT
// The event queue and the PRI queue of a guest's SMMU: records from the host are written
// to the guest's memory (IHI 0070 sections 3.5.2 and 7.2, chapter 8).

import {
  CR0_EVENTQEN,
  CR0_PRIQEN,
  EVENTQ_ENTRY_SIZE,
  GERROR_EVENTQ_ABT_ERR,
  GERROR_PRIQ_ABT_ERR,
  PRIQ_ENTRY_SIZE,
  Q_OVFLG,
  SMMU_EVENTQ_CONS,
  SMMU_EVENTQ_PROD,
  SMMU_PRIQ_CONS,
  SMMU_PRIQ_PROD,
} from '../../../assembly/layout/smmu-registers.ts';
import { type Field, type GuestMemory, maskInWord } from '../../plugin/index.ts';
import type { SmmuRegisters } from '../register-rules.ts';
import { overflowFlag, queueIndex, type TableShape } from '../table-shapes.ts';

/** The differences between the two queues. */
interface RecordQueueKind {
  readonly enable: Field;
  readonly prod: number;
  readonly cons: number;
  readonly entrySize: number;
  readonly aborted: Field;
  /**
   * After an overflow, records are lost until it is acknowledged, even if there is space.
   */
  readonly overflowBlocks: boolean;
  shape(registers: SmmuRegisters): TableShape;
  /** A record was written, to an empty queue or not, or lost to an overflow. */
  notify(registers: SmmuRegisters, event: 'first' | 'more' | 'overflow'): void;
}

export const EVENT_RECORDS: RecordQueueKind = {
  enable: CR0_EVENTQEN,
  prod: SMMU_EVENTQ_PROD,
  cons: SMMU_EVENTQ_CONS,
  entrySize: EVENTQ_ENTRY_SIZE,
  aborted: GERROR_EVENTQ_ABT_ERR,
  overflowBlocks: false,
  shape: (registers) => registers.eventQueue(),
  notify(registers, event) {
    if (event === 'first') registers.raiseEvents();
  },
};

export const PAGE_REQUEST_RECORDS: RecordQueueKind = {
  enable: CR0_PRIQEN,
  prod: SMMU_PRIQ_PROD,
  cons: SMMU_PRIQ_CONS,
  entrySize: PRIQ_ENTRY_SIZE,
  aborted: GERROR_PRIQ_ABT_ERR,
  overflowBlocks: true,
  shape: (registers) => registers.priQueue(),
  notify(registers, event) {
    if (event === 'first' || registers.eachGroupInterrupts) registers.raisePageRequests();
  },
};

/** The producer side; its state is in the registers. */
export class RecordQueue {
  readonly #registers: SmmuRegisters;
  readonly #memory: GuestMemory;
  readonly #kind: RecordQueueKind;

  constructor(registers: SmmuRegisters, memory: GuestMemory, kind: RecordQueueKind) {
    this.#registers = registers;
    this.#memory = memory;
    this.#kind = kind;
  }

  /**
   * Adds a record, or drops it as the architecture defines: on an overflow, or when the
   * queue is disabled or not writable.
   */
  add(record: Uint32Array): 'written' | 'overflow' | 'refused' {
    const {
      enable,
      prod: prodAt,
      cons: consAt,
      entrySize,
      aborted,
      overflowBlocks,
      shape,
      notify,
    } = this.#kind;
    const registers = this.#registers;
    if (!registers.enabled(enable) || registers.errorActive(aborted)) return 'refused';
    const { base, log2size } = shape(registers);
    const size = 2 ** log2size;
    const prodFlags = registers.get(prodAt);
    const prod = queueIndex(prodFlags, log2size);
    const consFlags = registers.get(consAt);
    const cons = queueIndex(consFlags, log2size);
    const flag = overflowFlag(prodFlags);
    const overflown = flag !== overflowFlag(consFlags);
    if (queueIndex(prod - cons, log2size) >= size || (overflown && overflowBlocks)) {
      // OVFLG toggles once, until software has made OVACKFLG equal. This is not an abort
      // of the queue.
      if (!overflown) registers.set(prodAt, (prodFlags ^ maskInWord(Q_OVFLG)) >>> 0);
      notify(registers, 'overflow');
      return 'overflow';
    }
    const address = base + (prod % size) * entrySize;
    for (let i = 0; i < entrySize / 4; i += 2) {
      const value = (BigInt(record[i + 1] ?? 0) << 32n) | BigInt(record[i] ?? 0);
      if (this.#memory.store64(address + 4 * i, value)) continue;
      registers.raiseError(aborted);
      return 'refused';
    }
    // The record must be in memory before PROD moves, and PROD must have moved before the
    // interrupt.
    registers.set(prodAt, (flag | queueIndex(prod + 1, log2size)) >>> 0);
    notify(registers, prod === cons ? 'first' : 'more');
    return 'written';
  }
}
