// SPDX-License-Identifier: MIT
// A command context in host memory, which determines the owner of a queue's commands: a
// VINTF, or a vIOMMU without a VINTF.

import {
  CMDQV_MAX_VINTFS,
  CMDQV_SIDS_PER_VINTF,
  VCMDQ_STRIDE,
} from '../../assembly/layout/cmdqv-registers.ts';
import {
  CTX_BEYOND,
  CTX_BEYOND_CDS,
  CTX_BEYOND_TABLES,
  CTX_DOORBELL_CALLS,
  CTX_ENABLED,
  CTX_HYP_OWN,
  CTX_LACKS,
  CTX_LVCMDQ_COUNT,
  CTX_LVCMDQ_MAP,
  CTX_PAGE0,
  CTX_SHOWN,
  CTX_SID_MATCH,
  CTX_SID_REPLACE,
  CTX_SMMU_OFF,
  CTX_STREAM_COUNT,
  CTX_STREAMS,
  CTX_STRIDE,
  CTX_VMID,
  CTX_WINDOW,
  MAX_CONTEXTS,
  MAX_STREAMS,
  SMMU_AT_CONTEXTS,
  SMMU_AT_STREAMS,
  STREAM_ENTRY_SIZE,
} from '../../assembly/layout/context-memory.ts';
import {
  DOORBELL_CONTEXT,
  DOORBELL_SLOT,
  DOORBELL_SMMU,
} from '../../assembly/layout/doorbell-id.ts';
import { SMMU_AT_REGS } from '../../assembly/layout/queue-memory.ts';
import { withBits } from '../plugin/index.ts';
import { checkBlock } from './host-memory-check.ts';
import { smmuBase } from './unit.ts';

/**
 * 32-bit words of a VCMDQ's page-0 registers: CONS, PROD, CONFIG, STATUS, GERROR,
 * GERRORN.
 */
const PAGE0_WORDS = 6;

/** The ID registers that determine which CDs and tables are legal. */
interface ShownRegisters {
  readonly idr0: number;
  readonly idr1: number;
  readonly idr3: number;
  readonly idr5: number;
}

/**
 * A command context: enables, VMID, StreamID pairs and queues of a VINTF or a vIOMMU, as
 * used by the drain.
 */
export class ContextBlock {
  /** Byte offset in host memory. */
  readonly address: number;
  readonly index: number;
  readonly #smmuIndex: number;
  readonly #smmu: number;
  readonly #words: Int32Array;
  readonly #halves: Uint16Array;

  /**
   * @throws {TypeError|RangeError} when the memory is not from `createHostMemory`, or has
   *   no such block.
   */
  constructor(hostMemory: WebAssembly.Memory, smmuIndex: number, index: number) {
    checkBlock(hostMemory, smmuIndex, index, MAX_CONTEXTS, 'ContextBlock');
    this.#smmuIndex = smmuIndex;
    this.#smmu = smmuBase(smmuIndex);
    this.index = index;
    this.address = this.#smmu + SMMU_AT_CONTEXTS + index * CTX_STRIDE;
    this.#words = new Int32Array(hostMemory.buffer);
    this.#halves = new Uint16Array(hostMemory.buffer);
  }

  #get(field: number): number {
    return Atomics.load(this.#words, (this.address + field) >> 2) >>> 0;
  }

  #set(field: number, value: number): void {
    Atomics.store(this.#words, (this.address + field) >> 2, value | 0);
  }

  /** Sets everything to zero: disabled, no pairs, no queues. */
  reset(): void {
    this.#words.fill(0, this.address >> 2, (this.address + CTX_STRIDE) >> 2);
  }

  get enabled(): boolean {
    return this.#get(CTX_ENABLED) !== 0;
  }
  set enabled(enabled: boolean) {
    this.#set(CTX_ENABLED, enabled ? 1 : 0);
  }
  get hypOwn(): boolean {
    return this.#get(CTX_HYP_OWN) !== 0;
  }
  set hypOwn(hypOwn: boolean) {
    this.#set(CTX_HYP_OWN, hypOwn ? 1 : 0);
  }
  get vmid(): number {
    return this.#get(CTX_VMID);
  }
  set vmid(vmid: number) {
    this.#set(CTX_VMID, vmid);
  }
  /** Window of the owner's memory in the physical address map; 0 for the host. */
  get window(): number {
    return this.#get(CTX_WINDOW);
  }
  set window(window: number) {
    this.#set(CTX_WINDOW, window);
  }
  get lvcmdqCount(): number {
    return this.#get(CTX_LVCMDQ_COUNT);
  }
  set lvcmdqCount(count: number) {
    this.#set(CTX_LVCMDQ_COUNT, count);
  }
  get doorbellCalls(): number {
    return this.#get(CTX_DOORBELL_CALLS);
  }

  /** SMMUEN of the guest's own SMMU. For a VINTF, that of the physical SMMU counts. */
  set smmuEnabled(enabled: boolean) {
    this.#set(CTX_SMMU_OFF, enabled ? 0 : 1);
  }

  /**
   * What the SMMU that the guest sees lacks, from `lackedBy`: refused on its own queues.
   * With LACKS_RECORDED (for a VINTF), `beyond` records it and the command is executed.
   */
  set lacks(lacks: number) {
    this.#set(CTX_LACKS, lacks);
  }
  /** Bits of `lacks` that commands have needed. */
  get beyond(): number {
    return this.#get(CTX_BEYOND);
  }

  /**
   * Sets the ID registers that the guest sees: the sanitizer checks its CDs and tables
   * against them.
   */
  show({ idr0, idr1, idr3, idr5 }: ShownRegisters): void {
    // IDR0 last: nothing is checked until it is set.
    [idr5, idr3, idr1, idr0].forEach((word, i) => {
      this.#set(CTX_SHOWN + 12 - 4 * i, word);
    });
  }
  /**
   * SHOWN_* bits of features that the guest's CDs and translation tables use beyond those
   * that it sees.
   */
  get beyondCds(): number {
    return this.#get(CTX_BEYOND_CDS);
  }
  get beyondTables(): number {
    return this.#get(CTX_BEYOND_TABLES);
  }

  /**
   * First argument of the guest's doorbell import for a directly mapped range that begins
   * with the registers of the queue in `slot`.
   */
  doorbellId(slot: number): number {
    return withBits(
      withBits(withBits(0, DOORBELL_SMMU, this.#smmuIndex), DOORBELL_CONTEXT, this.index),
      DOORBELL_SLOT,
      slot,
    );
  }

  /** SID_MATCH of a pair: the virtual StreamID above the enable bit. */
  sidMatch(slot: number): number {
    return this.#get(CTX_SID_MATCH + 4 * (slot % CMDQV_SIDS_PER_VINTF));
  }
  /** Sets SID_MATCH of a pair. */
  setSidMatch(slot: number, value: number): void {
    this.#set(CTX_SID_MATCH + 4 * (slot % CMDQV_SIDS_PER_VINTF), value);
  }
  /** SID_REPLACE of a pair: the physical StreamID. */
  sidReplace(slot: number): number {
    return this.#get(CTX_SID_REPLACE + 4 * (slot % CMDQV_SIDS_PER_VINTF));
  }
  /** Sets SID_REPLACE of a pair. */
  setSidReplace(slot: number, value: number): void {
    this.#set(CTX_SID_REPLACE + 4 * (slot % CMDQV_SIDS_PER_VINTF), value);
  }

  /**
   * Adds a stream to those of a vIOMMU that are not in the pairs, or removes it.
   * @param slot 0 to MAX_STREAMS - 1.
   * @param virtSid the guest's StreamID, 32 bits.
   */
  setStream(slot: number, virtSid: number, physSid: number | undefined): void {
    const table =
      this.#smmu +
      SMMU_AT_STREAMS +
      (this.index - CMDQV_MAX_VINTFS) * MAX_STREAMS * STREAM_ENTRY_SIZE;
    const entry = (table + slot * STREAM_ENTRY_SIZE) >> 2;
    // The drain finds an entry by its physical StreamID, which is therefore set last and
    // cleared first.
    Atomics.store(this.#words, entry + 1, 0);
    if (physSid === undefined) return;
    Atomics.store(this.#words, entry, virtSid | 0);
    Atomics.store(this.#words, entry + 1, physSid + 1);
    this.#set(CTX_STREAMS, table);
    this.#set(CTX_STREAM_COUNT, Math.max(this.#get(CTX_STREAM_COUNT), slot + 1));
  }

  /** The streams set by `setStream`, by slot. */
  get streams(): readonly {
    readonly slot: number;
    readonly virtSid: number;
    readonly physSid: number;
  }[] {
    const table = this.#get(CTX_STREAMS) >>> 2;
    return Array.from({ length: this.#get(CTX_STREAM_COUNT) }, (_, slot) => ({
      slot,
      virtSid: Atomics.load(this.#words, table + 2 * slot) >>> 0,
      physSid: Atomics.load(this.#words, table + 2 * slot + 1) - 1,
    })).filter(({ physSid }) => physSid >= 0);
  }

  #slot(lvcmdq: number): number {
    return ((this.address + CTX_LVCMDQ_MAP) >> 1) + lvcmdq;
  }

  /** Queue block index of an LVCMDQ slot; undefined when CMDQ_ALLOC binds none. */
  queueOf(lvcmdq: number): number | undefined {
    if (lvcmdq >= this.lvcmdqCount) return undefined;
    const entry = Atomics.load(this.#halves, this.#slot(lvcmdq));
    return entry === 0 ? undefined : entry - 1;
  }
  /** Every LVCMDQ slot has a queue. */
  get isFull(): boolean {
    for (let lvcmdq = 0; lvcmdq < this.lvcmdqCount; lvcmdq++)
      if (this.queueOf(lvcmdq) === undefined) return false;
    return true;
  }
  /** Binds a queue block to an LVCMDQ slot, or unbinds it. */
  bindQueue(lvcmdq: number, queue: number | undefined): void {
    Atomics.store(this.#halves, this.#slot(lvcmdq), queue === undefined ? 0 : queue + 1);
  }

  /** Guest-memory offset of the directly mapped page 0, or 0. */
  get page0(): number {
    return this.#get(CTX_PAGE0);
  }

  /**
   * Moves the page-0 registers of all bound queues into guest memory, where the guest
   * stores without an exit.
   */
  mapPage0(guestMemory: WebAssembly.Memory, memoryOffset: number): void {
    const guest = new Int32Array(guestMemory.buffer);
    this.#eachSlot((lvcmdq, registers) => {
      for (let i = 0; i < PAGE0_WORDS; i++) {
        Atomics.store(
          guest,
          ((memoryOffset + lvcmdq * VCMDQ_STRIDE) >> 2) + i,
          Atomics.load(this.#words, (registers >> 2) + i),
        );
      }
    });
    this.#set(CTX_PAGE0, memoryOffset);
  }

  /**
   * Moves the registers back from guest memory. What the guest left there is as untrusted
   * as any register write.
   */
  unmapPage0(guestMemory: WebAssembly.Memory): void {
    const memoryOffset = this.page0;
    if (memoryOffset === 0) return;
    const guest = new Int32Array(guestMemory.buffer);
    this.#eachSlot((lvcmdq, registers) => {
      for (let i = 0; i < PAGE0_WORDS; i++) {
        Atomics.store(
          this.#words,
          (registers >> 2) + i,
          Atomics.load(guest, ((memoryOffset + lvcmdq * VCMDQ_STRIDE) >> 2) + i),
        );
      }
    });
    // Last: a side core that reads in the meantime finds registers in either place, but
    // never an older state.
    this.#set(CTX_PAGE0, 0);
  }

  #eachSlot(visit: (lvcmdq: number, registers: number) => void): void {
    for (let lvcmdq = 0; lvcmdq < this.lvcmdqCount; lvcmdq++) {
      const queue = this.queueOf(lvcmdq);
      if (queue !== undefined) visit(lvcmdq, this.#smmu + SMMU_AT_REGS + queue * VCMDQ_STRIDE);
    }
  }
}
