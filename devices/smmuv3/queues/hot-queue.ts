// SPDX-License-Identifier: MIT
// The event queue and the PRI queue of a physical SMMU: the core writes their records
// (assembly/smmu-core), and their registers are in host memory while they are enabled.

import {
  SMMU_AT_PRIQ_ABORT,
  SMMU_AT_PRIQ_BASE,
  SMMU_AT_PRIQ_CONS,
  SMMU_AT_PRIQ_LOG2SIZE,
  SMMU_AT_PRIQ_OWNER,
  SMMU_AT_PRIQ_PROD,
} from '../../../assembly/layout/ats-memory.ts';
import {
  EVENTQ_ABORT_ACTIVE,
  EVENTQ_ABORTED,
  SMMU_AT_EVENTQ_ABORT,
  SMMU_AT_EVENTQ_BASE,
  SMMU_AT_EVENTQ_CONS,
  SMMU_AT_EVENTQ_LOG2SIZE,
  SMMU_AT_EVENTQ_OWNER,
  SMMU_AT_EVENTQ_PROD,
} from '../../../assembly/layout/smmu-memory.ts';
import {
  GERROR_EVENTQ_ABT_ERR,
  GERROR_PRIQ_ABT_ERR,
  SMMU_EVENTQ_CONS,
  SMMU_EVENTQ_PROD,
  SMMU_PRIQ_CONS,
  SMMU_PRIQ_PROD,
} from '../../../assembly/layout/smmu-registers.ts';
import { type DeviceState, type Field, plainStateLike } from '../../plugin/index.ts';
import { smmuBase } from '../../unit/index.ts';
import type { SmmuRegisters } from '../register-rules.ts';
import { overflowFlag, queueIndex, type TableShape } from '../table-shapes.ts';

interface HotQueueKind {
  readonly prod: number;
  readonly cons: number;
  readonly aborted: Field;
  /** Byte offsets of words in the SMMU block. */
  readonly at: {
    readonly base: number;
    readonly log2size: number;
    readonly prod: number;
    readonly cons: number;
  };
  readonly owner: number;
  readonly abort: number;
  shape(registers: SmmuRegisters): TableShape;
  raise(registers: SmmuRegisters): void;
  /**
   * With each record and each overflow an interrupt is raised; otherwise only with the
   * first record in an empty queue.
   */
  each(registers: SmmuRegisters): boolean;
}

export const HOT_EVENTS: HotQueueKind = {
  prod: SMMU_EVENTQ_PROD,
  cons: SMMU_EVENTQ_CONS,
  aborted: GERROR_EVENTQ_ABT_ERR,
  at: {
    base: SMMU_AT_EVENTQ_BASE,
    log2size: SMMU_AT_EVENTQ_LOG2SIZE,
    prod: SMMU_AT_EVENTQ_PROD,
    cons: SMMU_AT_EVENTQ_CONS,
  },
  owner: SMMU_AT_EVENTQ_OWNER,
  abort: SMMU_AT_EVENTQ_ABORT,
  shape: (registers) => registers.eventQueue(),
  raise: (registers) => registers.raiseEvents(),
  each: () => false,
};

export const HOT_PAGE_REQUESTS: HotQueueKind = {
  prod: SMMU_PRIQ_PROD,
  cons: SMMU_PRIQ_CONS,
  aborted: GERROR_PRIQ_ABT_ERR,
  at: {
    base: SMMU_AT_PRIQ_BASE,
    log2size: SMMU_AT_PRIQ_LOG2SIZE,
    prod: SMMU_AT_PRIQ_PROD,
    cons: SMMU_AT_PRIQ_CONS,
  },
  owner: SMMU_AT_PRIQ_OWNER,
  abort: SMMU_AT_PRIQ_ABORT,
  shape: (registers) => registers.priQueue(),
  raise: (registers) => registers.raisePageRequests(),
  each: (registers) => registers.eachGroupInterrupts,
};

/**
 * PROD is stored in the block while the queue is enabled, and copied to the registers
 * before they are read.
 */
export class HotQueue {
  readonly #registers: SmmuRegisters;
  readonly #words: Int32Array;
  readonly #longs: BigInt64Array;
  readonly #smmu: number;
  readonly #kind: HotQueueKind;
  /** PROD (index, wrap bit and OVFLG) when records were last processed. */
  private noticed = 0;

  constructor(
    registers: SmmuRegisters,
    hostMemory: WebAssembly.Memory,
    smmuIndex: number,
    kind: HotQueueKind,
  ) {
    this.#registers = registers;
    this.#words = new Int32Array(hostMemory.buffer);
    this.#longs = new BigInt64Array(hostMemory.buffer);
    this.#smmu = smmuBase(smmuIndex);
    this.#kind = kind;
  }

  #load(field: number): number {
    return Atomics.load(this.#words, (this.#smmu + field) >> 2) >>> 0;
  }

  #store(field: number, value: number): void {
    Atomics.store(this.#words, (this.#smmu + field) >> 2, value | 0);
  }

  reset(): void {
    this.noticed = 0;
    this.load(0);
  }

  /** Sets up host memory from the registers; `aborted` is its ABORT word. */
  load(aborted: number): void {
    this.#store(this.#kind.owner, 0);
    this.#store(this.#kind.abort, aborted);
    this.placeProducer();
  }

  /** Publishes the place of the queue, and software's CONS. */
  publish(): void {
    const { at, abort, aborted, cons, shape } = this.#kind;
    const { base, log2size } = shape(this.#registers);
    Atomics.store(this.#longs, (this.#smmu + at.base) >> 3, BigInt(base));
    this.#store(at.log2size, log2size);
    this.#store(at.cons, this.#registers.index(cons));
    if (this.#load(abort) === EVENTQ_ABORT_ACTIVE && !this.#registers.errorActive(aborted))
      this.#store(abort, 0);
  }

  /** PROD is moved by the core while the queue is enabled, otherwise by software. */
  placeProducer(): void {
    this.#store(this.#kind.at.prod, this.#registers.get(this.#kind.prod));
  }

  refresh(): void {
    this.#registers.set(this.#kind.prod, this.#load(this.#kind.at.prod));
  }

  /** Raises errors and interrupts for the core's new records. Returns how many. */
  poll(): number {
    const { at, abort, aborted, cons, shape, raise, each } = this.#kind;
    const registers = this.#registers;
    let work = 0;
    if (this.#load(abort) === EVENTQ_ABORTED) {
      this.#store(abort, EVENTQ_ABORT_ACTIVE);
      registers.raiseError(aborted);
      work++;
    }
    const { log2size } = shape(registers);
    const produced = this.#load(at.prod);
    const prod = queueIndex(produced, log2size);
    const index = queueIndex(this.noticed, log2size);
    const overflown = overflowFlag(produced) !== overflowFlag(this.noticed);
    if (prod === index && !overflown) return work;
    const unread = queueIndex(prod - registers.get(cons), log2size);
    // The interrupt is for a queue that was empty: software has consumed all records
    // processed before.
    if (
      each(registers) ||
      (prod !== index && unread !== 0 && unread <= queueIndex(prod - index, log2size))
    )
      raise(registers);
    this.noticed = (overflowFlag(produced) | prod) >>> 0;
    return work + 1;
  }

  save(): DeviceState {
    return { noticed: this.noticed, aborted: this.#load(this.#kind.abort) };
  }

  /** Checks a saved state for `restore`. @throws {TypeError} when it is not one. */
  static check(state: unknown): { readonly noticed: number; readonly aborted: number } {
    return plainStateLike({ noticed: 0, aborted: 0 }, state);
  }

  /** Called after the registers were restored. */
  restore({ noticed, aborted }: { readonly noticed: number; readonly aborted: number }): void {
    this.noticed = noticed;
    this.load(aborted);
  }
}
