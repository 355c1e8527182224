// SPDX-License-Identifier: MIT
// One VCMDQ of the physical CMDQV: its queue block, the places of its registers and its
// ring, and its slot in a VINTF.

import {
  CMDQV_PAGE_SIZE,
  VCMDQ_BASE_LOG2SIZE,
  VCMDQ_CONFIG,
  VCMDQ_CONS,
  VCMDQ_GERROR_VALID,
  VCMDQ_GERRORN,
  VCMDQ_PROD,
  VCMDQ_STATUS,
  VCMDQ_STRIDE,
} from '../../assembly/layout/cmdqv-registers.ts';
import { HOST_AT_ATTENTION } from '../../assembly/layout/host-memory.ts';
import {
  QUEUE_ERROR_HELD,
  QUEUE_ERROR_PUBLISHED,
  QUEUE_KIND_VCMDQ_GUEST,
  QUEUE_KIND_VCMDQ_HYP,
  QUEUE_PARKED,
  QUEUE_RUNNING,
} from '../../assembly/layout/queue-memory.ts';
import { SMMU_AT_IDR1 } from '../../assembly/layout/smmu-memory.ts';
import { IDR1_CMDQS } from '../../assembly/layout/smmu-registers.ts';
import { bitsOf } from '../plugin/index.ts';
import { type ContextBlock, QueueBlock, type ResolvedPa, type Unit } from '../unit/index.ts';
import { PAGE0_REGISTERS } from './cmdqv-register-specs.ts';
import { page0WritableBits } from './page0-bits.ts';

/**
 * Finds `length` bytes at a PA (48 bits); undefined when they are not contiguous in one
 * memory.
 */
export type ResolvePa = (pa: number, length: number) => ResolvedPa | undefined;

/** The unit of this thread that reaches the guest memory of a window. */
export type UnitOf = (window: number) => Unit | undefined;

const COMMAND_BYTES = 16;
/** CONS and PROD have 20 bits, one of which is the wrap bit. */
const MAX_LOG2SIZE = 19;

/**
 * Time limit for a queue to stop: a side core in the middle of a round may have lost its
 * processor.
 */
const DISABLE_LIMIT_MS = 1000;

/**
 * State of a queue block as returned by `PhysicalVcmdq.save`: flags and private words,
 * then the page-0 registers.
 */
const PRIVATE_WORDS = 6;
export const VCMDQ_STATE_WORDS = PRIVATE_WORDS + PAGE0_REGISTERS.length;

export class PhysicalVcmdq {
  readonly block: QueueBlock;
  readonly #unit: Unit;
  readonly #unitOf: UnitOf;
  readonly #resolvePa: ResolvePa;
  readonly #host: Int32Array;
  #context: ContextBlock | undefined;

  constructor(unit: Unit, smmuIndex: number, index: number, resolvePa: ResolvePa, unitOf: UnitOf) {
    this.#unit = unit;
    this.#unitOf = unitOf;
    this.#resolvePa = resolvePa;
    this.#host = new Int32Array(unit.hostMemory.buffer);
    this.block = new QueueBlock(unit.hostMemory, smmuIndex, index);
  }

  /** The VINTF that CMDQ_ALLOC binds the queue to. */
  get context(): ContextBlock | undefined {
    return this.#context;
  }

  /** The unit that serves the queue: its owner's, whose memory contains the ring. */
  get unit(): Unit {
    return this.#unitOf(this.#context?.window ?? 0) ?? this.#unit;
  }

  /**
   * Place of the page-0 registers; undefined when they are mapped into a guest that no
   * unit here reaches.
   */
  #registers(): { words: Int32Array; base: number } | undefined {
    const page0 = this.#context?.page0 ?? 0;
    if (page0 === 0) return { words: this.#host, base: this.block.registers };
    const { guestMemory, window } = this.unit;
    if (
      !guestMemory ||
      this.#context?.window !== window ||
      page0 + CMDQV_PAGE_SIZE > guestMemory.buffer.byteLength
    )
      return undefined;
    return {
      words: new Int32Array(guestMemory.buffer),
      base: page0 + this.block.lvcmdq * VCMDQ_STRIDE,
    };
  }

  /** A page-0 register; 0 when it is out of reach. */
  readPage0(register: number): number {
    const at = this.#registers();
    return at && register < 4 * PAGE0_REGISTERS.length
      ? Atomics.load(at.words, (at.base + register) >> 2) >>> 0
      : 0;
  }

  #storePage0(register: number, value: number): void {
    const at = this.#registers();
    if (at) Atomics.store(at.words, (at.base + register) >> 2, value | 0);
  }

  /** Software's write to a page-0 register; serves the queue. */
  writePage0(register: number, value: number): void {
    const bits = page0WritableBits(register, this.block.enabled);
    if (bits === undefined) return;
    this.#storePage0(register, value & bits);
    this.serve();
  }

  /**
   * Has the drain serve the queue. The drain finds a queue's registers by its slot, so a
   * queue without a slot is skipped.
   */
  serve(): void {
    if (this.#context) this.unit.drain.serve(this.block.smmu, this.block.index);
  }

  /** True while software has not acknowledged an error. */
  get hasError(): boolean {
    const at = this.#registers();
    // GERRORN is out of reach, like the rest of page 0, but the drain's private state
    // gives the same answer.
    if (!at) return this.block.state === QUEUE_ERROR_PUBLISHED;
    return ((this.block.gerror ^ this.readPage0(VCMDQ_GERRORN)) & VCMDQ_GERROR_VALID) !== 0;
  }

  /** Sets the queue's ring to the one that BASE describes. */
  setBase(lo: number, hi: number): void {
    const log2size = bitsOf(lo, VCMDQ_BASE_LOG2SIZE);
    const idr1 = this.#host[(this.block.smmu + SMMU_AT_IDR1) >> 2] ?? 0;
    // 0: there is no SMMU, whose IDR1 would have a non-zero SIDSIZE at least.
    const limit = idr1 === 0 ? MAX_LOG2SIZE : Math.min(bitsOf(idr1, IDR1_CMDQS), MAX_LOG2SIZE);
    const length = COMMAND_BYTES * 2 ** log2size;
    // As for SMMU_CMDQ_BASE, address bits below the ring's alignment (its size, at least
    // 32 bytes) are treated as zero.
    const address = hi * 2 ** 32 + ((lo & -Math.max(length, 32)) >>> 0);
    const at =
      (lo === 0 && hi === 0) || log2size > limit ? undefined : this.#resolvePa(address, length);
    if (at) this.block.setRing(at.window, at.offset, log2size);
    else this.block.clearRing();
  }

  /** HYP_OWN of the VINTF determines the commands that the queue accepts. */
  setOwner(hypOwn: boolean): void {
    this.block.kind = hypOwn ? QUEUE_KIND_VCMDQ_HYP : QUEUE_KIND_VCMDQ_GUEST;
  }

  /**
   * CMDQ_ALLOC: the queue becomes an LVCMDQ of a VINTF, and its registers move to that
   * VINTF's page 0.
   */
  bind(context: ContextBlock, lvcmdq: number): void {
    const values = this.#page0Values();
    this.block.context = context.index;
    this.block.lvcmdq = lvcmdq;
    this.#context = context;
    this.#setPage0Values(values);
    context.bindQueue(lvcmdq, this.block.index);
    this.setOwner(context.hypOwn);
    this.block.allocated = true;
    this.serve();
  }

  /**
   * CMDQ_ALLOC.ALLOCATED = 0: the queue stops and is unbound from its VINTF. Its
   * registers keep their values.
   */
  unbind(): void {
    const context = this.#context;
    if (!context) return;
    this.block.allocated = false;
    this.#awaitDisabled();
    this.#stop();
    const values = this.#page0Values();
    context.bindQueue(this.block.lvcmdq, undefined);
    this.#context = undefined;
    this.#setPage0Values(values);
    this.#storePage0(VCMDQ_STATUS, 0);
  }

  /**
   * CMDQV_EN was cleared, and the drain has seen it. When it is set again, the queue is
   * disabled and has no ring.
   */
  stop(): void {
    this.#awaitDisabled();
    for (const register of [VCMDQ_CONFIG, VCMDQ_PROD, VCMDQ_CONS]) this.#storePage0(register, 0);
    this.block.clearRing();
  }

  /**
   * A side core may own the queue: it finishes its round, and then sees that the queue is
   * no longer allocated.
   */
  #awaitDisabled(): void {
    const limit = performance.now() + DISABLE_LIMIT_MS;
    do this.serve();
    while (this.block.enabled && this.#registers() && performance.now() < limit);
  }

  /** Stops a queue whose registers the drain cannot reach. */
  #stop(): void {
    this.block.enabled = false;
    this.block.state = QUEUE_RUNNING;
    this.block.error = 0;
  }

  /** Sets the reset state: unbound, no ring, registers zero. */
  reset(): void {
    this.#context?.bindQueue(this.block.lvcmdq, undefined);
    this.#context = undefined;
    this.#stop();
    this.block.reset(QUEUE_KIND_VCMDQ_GUEST, 0);
  }

  #page0Values(): number[] {
    return PAGE0_REGISTERS.map((_, i) => this.readPage0(4 * i));
  }

  #setPage0Values(values: readonly number[]): void {
    values.forEach((value, i) => {
      this.#storePage0(4 * i, value);
    });
  }

  /**
   * VCMDQ_STATE_WORDS words. A CMD_SYNC at which the queue is parked is not included: it
   * is executed again.
   */
  save(): number[] {
    const { allocated, enabled, cons, error, state, gerror } = this.block;
    const own = [
      allocated ? 1 : 0,
      enabled ? 1 : 0,
      cons,
      error,
      state === QUEUE_PARKED ? QUEUE_RUNNING : state,
      gerror,
    ];
    return [...own, ...this.#page0Values()];
  }

  /** Call after `reset`, or after `bind` to the VINTF of the saved queue. */
  restore(words: readonly number[]): void {
    const [, enabled = 0, cons = 0, error = 0, state = 0, gerror = 0, ...page0] = words;
    this.#setPage0Values(page0);
    this.block.cons = cons;
    this.block.error = error;
    this.block.state = state;
    this.block.gerror = gerror;
    this.block.enabled = enabled === 1;
    // A withheld error waits for the host's policy, so the host has to be notified again.
    if (state === QUEUE_ERROR_HELD) Atomics.add(this.#host, HOST_AT_ATTENTION >> 2, 1);
  }
}
