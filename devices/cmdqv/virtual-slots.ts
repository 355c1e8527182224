// SPDX-License-Identifier: MIT
// LVCMDQ slots of a guest's CMDQV: their page-0 registers while a slot has no HW queue,
// and the transfer of the registers to and from one.

import {
  VCMDQ_CONFIG,
  VCMDQ_CONS,
  VCMDQ_CONS_ERR,
  VCMDQ_CONS_RD,
  VCMDQ_GERROR,
  VCMDQ_GERROR_CMDQ_ERR,
  VCMDQ_GERROR_CMDQ_INIT_ERR,
  VCMDQ_GERROR_VALID,
  VCMDQ_GERRORN,
  VCMDQ_PROD,
  VCMDQ_STATUS,
} from '../../assembly/layout/cmdqv-registers.ts';
import { QUEUE_ERROR_PUBLISHED } from '../../assembly/layout/queue-memory.ts';
import { bitsOf, maskInWord, plainStateLike } from '../plugin/index.ts';
import { page0WritableBits } from './page0-bits.ts';
import type { VintfBackend } from './vintf-backend.ts';

const INIT_ERROR = maskInWord(VCMDQ_GERROR_CMDQ_INIT_ERR);
const CMDQ_ERROR = maskInWord(VCMDQ_GERROR_CMDQ_ERR);

function resetState(count: number) {
  const zeros = () => Array.from({ length: count }, () => 0);
  return {
    cons: zeros(),
    prod: zeros(),
    config: zeros(),
    gerror: zeros(),
    gerrorn: zeros(),
    /**
     * 1 when the slot has a HW queue: its registers are then in the backend's page 0, and
     * those here are zero.
     */
    backed: zeros(),
  };
}

export type SlotsState = ReturnType<typeof resetState>;

export class VirtualSlots {
  readonly #backend: VintfBackend;
  readonly count: number;
  /** Page 0 is mapped into the guest, and stores the registers of all slots. */
  private mapped = false;
  private state: SlotsState;

  constructor(backend: VintfBackend) {
    this.#backend = backend;
    this.count = backend.lvcmdqCount;
    this.state = resetState(this.count);
  }

  /** Sets the reset state. No slot may have a HW queue, and page 0 must not be mapped. */
  reset(): void {
    this.state = resetState(this.count);
  }

  /**
   * Sets CONFIG, PROD and CONS of every slot to 0. No slot may have a HW queue, and page
   * 0 must not be mapped.
   */
  stop(): void {
    for (const registers of [this.state.config, this.state.prod, this.state.cons])
      registers.fill(0);
  }

  isBacked(slot: number): boolean {
    return this.state.backed[slot] === 1;
  }

  /** Number of slots with a HW queue, which are the lowest ones. */
  get backedCount(): number {
    return this.state.backed.filter((backed) => backed === 1).length;
  }

  read(slot: number, register: number): number {
    const { cons, prod, config, gerror, gerrorn } = this.state;
    const backed = this.isBacked(slot);
    if (backed || (this.mapped && register !== VCMDQ_STATUS && register !== VCMDQ_GERROR)) {
      return this.#backend.readPage0(slot, register) >>> 0;
    }
    switch (register) {
      case VCMDQ_CONS:
        return cons[slot] ?? 0;
      case VCMDQ_PROD:
        return prod[slot] ?? 0;
      case VCMDQ_CONFIG:
        return config[slot] ?? 0;
      case VCMDQ_GERROR:
        return gerror[slot] ?? 0;
      case VCMDQ_GERRORN:
        return gerrorn[slot] ?? 0;
      default:
        return 0;
    }
  }

  write(slot: number, register: number, value: number): void {
    const bits = page0WritableBits(
      register,
      this.isBacked(slot) && this.#backend.queue(slot).enabled,
    );
    if (bits === undefined) return;
    if (this.isBacked(slot) || this.mapped)
      this.#backend.writePage0(slot, register, (value & bits) >>> 0);
    else this.#store(slot, register, value & bits);
  }

  #store(slot: number, register: number, value: number): void {
    const { cons, prod, config, gerrorn } = this.state;
    const target = new Map([
      [VCMDQ_CONS, cons],
      [VCMDQ_PROD, prod],
      [VCMDQ_CONFIG, config],
      [VCMDQ_GERRORN, gerrorn],
    ]).get(register);
    if (target) target[slot] = value;
  }

  hasError(slot: number): boolean {
    const gerror = this.isBacked(slot)
      ? this.#backend.queue(slot).gerror
      : (this.state.gerror[slot] ?? 0);
    return ((gerror ^ this.read(slot, VCMDQ_GERRORN)) & VCMDQ_GERROR_VALID) !== 0;
  }

  /**
   * Raises GERROR.CMDQ_INIT_ERR of a slot without a HW queue. False when it was active
   * already: an active error is not toggled.
   */
  raiseInitError(slot: number): boolean {
    if (((this.state.gerror[slot] ?? 0) ^ this.read(slot, VCMDQ_GERRORN)) & INIT_ERROR)
      return false;
    this.state.gerror[slot] = (this.state.gerror[slot] ?? 0) ^ INIT_ERROR;
    this.#showReadOnly(slot);
    return true;
  }

  /**
   * The guest reads GERROR and STATUS directly from a mapped page; without a HW queue
   * only this writes them.
   */
  #showReadOnly(slot: number): void {
    if (!this.mapped) return;
    this.#backend.writePage0(slot, VCMDQ_GERROR, this.state.gerror[slot] ?? 0);
    this.#backend.writePage0(slot, VCMDQ_STATUS, 0);
  }

  /** Registers of a slot from where they are stored now, in the format of `state`. */
  #live(slot: number): {
    cons: number;
    prod: number;
    config: number;
    gerror: number;
    gerrorn: number;
  } {
    const read = (register: number) => this.read(slot, register);
    const bits = (register: number) => page0WritableBits(register, false) ?? 0;
    return {
      cons: read(VCMDQ_CONS) & bits(VCMDQ_CONS),
      prod: read(VCMDQ_PROD) & bits(VCMDQ_PROD),
      config: read(VCMDQ_CONFIG) & bits(VCMDQ_CONFIG),
      gerror:
        (this.isBacked(slot) ? this.#backend.queue(slot).gerror : (this.state.gerror[slot] ?? 0)) &
        VCMDQ_GERROR_VALID,
      gerrorn: read(VCMDQ_GERRORN) & bits(VCMDQ_GERRORN),
    };
  }

  /** Copies the registers here before the place where they are stored is removed. */
  #capture(slot: number): void {
    const live = this.#live(slot);
    for (const field of ['cons', 'prod', 'config', 'gerror', 'gerrorn'] as const)
      this.state[field][slot] = live[field];
  }

  /**
   * Allocates a HW queue for a slot; false when the host has none for this ring. The slot
   * then runs if its CONFIG.EN is set.
   */
  allocate(slot: number, baseGpa: number, log2size: number): boolean {
    this.#capture(slot);
    if (!this.#backend.allocateQueue(slot, baseGpa, log2size)) {
      this.#copyRegistersToPage(slot);
      return false;
    }
    this.state.backed[slot] = 1;
    this.#flush(slot);
    return true;
  }

  #flush(slot: number): void {
    const { cons = 0, prod = 0, config = 0, gerror = 0, gerrorn = 0 } = this.#cached(slot);
    const block = this.#backend.queue(slot);
    // Before GERRORN: a difference between the two would be an error that never occurred.
    block.gerror = gerror;
    this.#backend.writePage0(slot, VCMDQ_GERROR, gerror);
    this.#backend.writePage0(slot, VCMDQ_GERRORN, gerrorn);
    this.#backend.writePage0(slot, VCMDQ_CONS, cons);
    // Enabled with an empty ring at first: a queue stopped at a reported error must not
    // fetch before it is stopped again.
    this.#backend.writePage0(slot, VCMDQ_PROD, cons & maskInWord(VCMDQ_CONS_RD));
    this.#backend.writePage0(slot, VCMDQ_CONFIG, config);
    const code = bitsOf(cons, VCMDQ_CONS_ERR);
    if (block.enabled && code !== 0 && (gerror ^ gerrorn) & CMDQ_ERROR) {
      block.error = code;
      block.state = QUEUE_ERROR_PUBLISHED;
    }
    this.#backend.writePage0(slot, VCMDQ_PROD, prod);
    this.#clearCopy(slot);
    this.state.gerror[slot] = 0;
  }

  /** Copies the registers of a slot without a HW queue to the mapped page, if any. */
  #copyRegistersToPage(slot: number): void {
    if (!this.mapped) return;
    const { cons = 0, prod = 0, config = 0, gerrorn = 0 } = this.#cached(slot);
    this.#backend.writePage0(slot, VCMDQ_CONS, cons);
    this.#backend.writePage0(slot, VCMDQ_PROD, prod);
    this.#backend.writePage0(slot, VCMDQ_CONFIG, config);
    this.#backend.writePage0(slot, VCMDQ_GERRORN, gerrorn);
    this.#clearCopy(slot);
    this.#showReadOnly(slot);
  }

  /** Clears the copy here of registers that are now stored elsewhere. */
  #clearCopy(slot: number): void {
    for (const field of ['cons', 'prod', 'config', 'gerrorn'] as const) this.state[field][slot] = 0;
  }

  #cached(slot: number): { [field in keyof SlotsState]: number | undefined } {
    const { cons, prod, config, gerror, gerrorn, backed } = this.state;
    return {
      cons: cons[slot],
      prod: prod[slot],
      config: config[slot],
      gerror: gerror[slot],
      gerrorn: gerrorn[slot],
      backed: backed[slot],
    };
  }

  /**
   * Frees the HW queues of the slots from `first` on, the highest first as iommufd
   * requires.
   */
  freeFrom(first: number): void {
    for (let slot = this.count - 1; slot >= first; slot--) {
      if (!this.isBacked(slot)) continue;
      this.#capture(slot);
      this.#backend.freeQueue(slot);
      this.state.backed[slot] = 0;
      this.#copyRegistersToPage(slot);
    }
  }

  /** Page 0 is mapped into the guest: every slot's registers move there. */
  map(memoryOffset: number): void {
    this.#backend.mapPage0(memoryOffset);
    this.mapped = true;
    for (let slot = 0; slot < this.count; slot++)
      if (!this.isBacked(slot)) this.#copyRegistersToPage(slot);
  }

  /** Page 0 has been unmapped from the guest. */
  unmap(): void {
    for (let slot = 0; slot < this.count; slot++) if (!this.isBacked(slot)) this.#capture(slot);
    this.mapped = false;
    this.#backend.unmapPage0();
  }

  /**
   * The guest-visible state of every slot. An error that the host still withholds is not
   * included: after a restore the command is fetched again, and the host's policy asked
   * again.
   */
  save(): SlotsState {
    const saved = structuredClone(this.state);
    for (let slot = 0; slot < this.count; slot++) {
      const live = this.#live(slot);
      for (const field of ['cons', 'prod', 'config', 'gerror', 'gerrorn'] as const)
        saved[field][slot] = live[field];
    }
    return saved;
  }

  /** @throws {TypeError} when the state is not of the same number of slots. */
  check(state: unknown): SlotsState {
    return plainStateLike(resetState(this.count), state);
  }

  /** Restores a checked state. No slot has a HW queue until it is allocated again. */
  restore(state: SlotsState): void {
    this.state = { ...state, backed: state.backed.map(() => 0) };
  }
}
