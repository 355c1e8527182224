// SPDX-License-Identifier: MIT
// TypeScript view of a queue block in host memory: the state that the drain works on and
// the device models configure.

import {
  ATC_WAIT_PORTS,
  ATC_WAIT_SHIFT,
  SMMU_AT_ATC_WAITS,
} from '../../assembly/layout/ats-memory.ts';
import { VCMDQ_PROD, VCMDQ_STRIDE } from '../../assembly/layout/cmdqv-registers.ts';
import {
  MAX_QUEUES,
  QUEUE_ALLOCATED,
  QUEUE_COMMANDS,
  QUEUE_CONS,
  QUEUE_CTX,
  QUEUE_ENABLED,
  QUEUE_ERR,
  QUEUE_ERROR_HELD,
  QUEUE_ERROR_PUBLISHED,
  QUEUE_ERRORS,
  QUEUE_GERROR,
  QUEUE_KIND,
  QUEUE_LOG2SIZE,
  QUEUE_LVCMDQ,
  QUEUE_MAPPED_AT,
  QUEUE_MSI_BITS,
  QUEUE_PARKED,
  QUEUE_REASON,
  QUEUE_REGS,
  QUEUE_REWRITES,
  QUEUE_RING,
  QUEUE_RING_WINDOW,
  QUEUE_RUNNING,
  QUEUE_STATE,
  QUEUE_STRIDE,
  QUEUE_SYNCS,
  SMMU_AT_QUEUES,
  SMMU_AT_REGS,
} from '../../assembly/layout/queue-memory.ts';
import { SMMU_AT_PARKED } from '../../assembly/layout/smmu-memory.ts';
import {
  ECMDQ_CONS_ENACK,
  ECMDQ_CONS_ERR,
  ECMDQ_CONS_ERR_REASON,
} from '../../assembly/layout/smmu-registers.ts';
import { maskInWord } from '../plugin/index.ts';
import { checkBlock } from './host-memory-check.ts';
import { smmuBase } from './unit.ts';

/** Counters of one queue. */
export interface QueueCounts {
  readonly commands: number;
  readonly syncs: number;
  readonly errors: number;
  /** Commands whose VMID or StreamID was replaced. */
  readonly rewrites: number;
}

/** A command queue as the drain uses it: ring, private CONS, state, error, counters. */
export class QueueBlock {
  /** Byte offset in host memory. */
  readonly address: number;
  readonly smmu: number;
  readonly index: number;
  readonly #words: Int32Array;
  readonly #longs: BigInt64Array;

  /**
   * @throws {TypeError|RangeError} when the memory is not from `createHostMemory`, or has
   *   no such block.
   */
  constructor(hostMemory: WebAssembly.Memory, smmuIndex: number, index: number) {
    checkBlock(hostMemory, smmuIndex, index, MAX_QUEUES, 'QueueBlock');
    this.smmu = smmuBase(smmuIndex);
    this.index = index;
    this.address = this.smmu + SMMU_AT_QUEUES + index * QUEUE_STRIDE;
    this.#words = new Int32Array(hostMemory.buffer);
    this.#longs = new BigInt64Array(hostMemory.buffer);
  }

  #get(field: number): number {
    return Atomics.load(this.#words, (this.address + field) >> 2) >>> 0;
  }

  #set(field: number, value: number): void {
    Atomics.store(this.#words, (this.address + field) >> 2, value | 0);
  }

  #count(field: number): number {
    return Number(Atomics.load(this.#longs, (this.address + field) >> 3));
  }

  /**
   * Sets the reset state: not allocated, no ring, no error; its private registers are
   * zero. The counters are kept.
   */
  reset(kind: number, context: number): void {
    for (const field of [
      QUEUE_ALLOCATED,
      QUEUE_ENABLED,
      QUEUE_LOG2SIZE,
      QUEUE_RING,
      QUEUE_RING_WINDOW,
      QUEUE_CONS,
      QUEUE_ERR,
    ])
      this.#set(field, 0);
    for (const field of [QUEUE_GERROR, QUEUE_REASON, QUEUE_LVCMDQ, QUEUE_MSI_BITS, QUEUE_MAPPED_AT])
      this.#set(field, 0);
    this.state = QUEUE_RUNNING;
    // A former owner's unfinished request does not concern the next owner.
    Atomics.store(
      this.#longs,
      (this.smmu + SMMU_AT_ATC_WAITS + (this.index << ATC_WAIT_SHIFT) + ATC_WAIT_PORTS) >> 3,
      0n,
    );
    this.#set(QUEUE_KIND, kind);
    this.#set(QUEUE_CTX, context);
    this.#set(QUEUE_REGS, this.smmu + SMMU_AT_REGS + this.index * VCMDQ_STRIDE);
    this.#words.fill(0, this.registers >> 2, (this.registers + VCMDQ_STRIDE) >> 2);
  }

  /**
   * Byte offset in host memory of the page-0 registers while they are not mapped into a
   * guest.
   */
  get registers(): number {
    return this.smmu + SMMU_AT_REGS + this.index * VCMDQ_STRIDE;
  }

  /**
   * Sets the ring: the window of its memory (0 for host memory), its byte offset there,
   * log2 of its number of entries.
   */
  setRing(window: number, offset: number, log2size: number): void {
    this.#set(QUEUE_RING_WINDOW, window);
    this.#set(QUEUE_RING, offset);
    this.#set(QUEUE_LOG2SIZE, log2size);
  }

  /**
   * Guest-memory offset of PROD and CONS of an overlaid CMDQ or an ECMDQ; 0 while they
   * are not mapped into the guest.
   */
  get overlay(): number {
    return this.#get(QUEUE_MAPPED_AT);
  }
  set overlay(memoryOffset: number) {
    this.#set(QUEUE_MAPPED_AT, memoryOffset);
  }

  /**
   * Makes every fetch from the ring end in an external abort until the returned function
   * is called. For tests of software's reaction.
   */
  abortFetches(): () => void {
    const ring = this.#get(QUEUE_RING);
    this.#set(QUEUE_RING, 0);
    return () => {
      // Another ring may have been set in the meantime.
      if (!this.hasRing) this.#set(QUEUE_RING, ring);
    };
  }

  /** Removes the queue's ring. */
  clearRing(): void {
    this.setRing(0, 0, 0);
  }

  get hasRing(): boolean {
    return this.#get(QUEUE_RING) !== 0;
  }
  get log2size(): number {
    return this.#get(QUEUE_LOG2SIZE);
  }
  get ring(): number {
    return this.#get(QUEUE_RING);
  }
  get kind(): number {
    return this.#get(QUEUE_KIND);
  }
  set kind(kind: number) {
    this.#set(QUEUE_KIND, kind);
  }
  get context(): number {
    return this.#get(QUEUE_CTX);
  }
  set context(context: number) {
    this.#set(QUEUE_CTX, context);
  }
  get lvcmdq(): number {
    return this.#get(QUEUE_LVCMDQ);
  }
  set lvcmdq(lvcmdq: number) {
    this.#set(QUEUE_LVCMDQ, lvcmdq);
  }
  get allocated(): boolean {
    return this.#get(QUEUE_ALLOCATED) !== 0;
  }
  set allocated(allocated: boolean) {
    this.#set(QUEUE_ALLOCATED, allocated ? 1 : 0);
  }
  /** The drain's own view of CONFIG.EN. */
  get enabled(): boolean {
    return this.#get(QUEUE_ENABLED) !== 0;
  }
  set enabled(enabled: boolean) {
    this.#set(QUEUE_ENABLED, enabled ? 1 : 0);
  }
  /** Private CONS: index and wrap bit. */
  get cons(): number {
    return this.#get(QUEUE_CONS);
  }
  set cons(cons: number) {
    this.#set(QUEUE_CONS, cons);
  }
  /**
   * PROD of the host-private registers: the limit of a queue of kind QUEUE_KIND_MAIN or
   * QUEUE_KIND_GUEST_CMDQ.
   */
  get prod(): number {
    return Atomics.load(this.#words, (this.registers + VCMDQ_PROD) >> 2) >>> 0;
  }
  set prod(prod: number) {
    Atomics.store(this.#words, (this.registers + VCMDQ_PROD) >> 2, prod | 0);
  }
  /** Error code (CERROR_*), 0 when there is none. */
  get error(): number {
    return this.#get(QUEUE_ERR);
  }
  set error(code: number) {
    this.#set(QUEUE_ERR, code);
  }
  /** QUEUE_RUNNING to QUEUE_NEEDS_HOST. */
  get state(): number {
    return this.#get(QUEUE_STATE);
  }
  set state(state: number) {
    const before = Atomics.exchange(this.#words, (this.address + QUEUE_STATE) >> 2, state);
    // The count of parked queues has to match.
    if (before === QUEUE_PARKED && state !== QUEUE_PARKED)
      Atomics.sub(this.#words, (this.smmu + SMMU_AT_PARKED) >> 2, 1);
  }
  /**
   * Refuses the command that the host was to execute: the error is withheld like one of
   * the drain's own. `reason`: STAT_*.
   */
  refuse(code: number, reason: number): void {
    this.error = code;
    this.#set(QUEUE_REASON, reason);
    this.state = QUEUE_ERROR_HELD;
  }
  /** Address bits of the MSIs of CMD_SYNC; 0: CMD_SYNC sends none. */
  set msiBits(addressBits: number) {
    this.#set(QUEUE_MSI_BITS, addressBits);
  }
  /** Private GERROR. */
  get gerror(): number {
    return this.#get(QUEUE_GERROR);
  }
  set gerror(gerror: number) {
    this.#set(QUEUE_GERROR, gerror);
  }
  /** STAT_* offset of the reason of the last error. */
  get reason(): number {
    return this.#get(QUEUE_REASON);
  }
  /**
   * CONS of an ECMDQ whose registers are mapped into its guest, derived by the drain from
   * the block's private state while the queue is enabled.
   */
  get ecmdqCons(): number {
    return (this.cons | this.gerror | this.#get(QUEUE_ENABLED)) >>> 0;
  }
  /**
   * Sets the private state of such a queue from CONS: ENACK, ERR and ERR_REASON besides
   * the index; `failed` when ERRACK differs.
   */
  takeEcmdqCons(cons: number, failed: boolean): void {
    this.#set(QUEUE_ENABLED, cons & maskInWord(ECMDQ_CONS_ENACK));
    this.gerror = cons & (maskInWord(ECMDQ_CONS_ERR) | maskInWord(ECMDQ_CONS_ERR_REASON));
    if (failed) this.state = QUEUE_ERROR_PUBLISHED;
  }
  get counts(): QueueCounts {
    return {
      commands: this.#count(QUEUE_COMMANDS),
      syncs: this.#count(QUEUE_SYNCS),
      errors: this.#count(QUEUE_ERRORS),
      rewrites: this.#count(QUEUE_REWRITES),
    };
  }
}
