// SPDX-License-Identifier: MIT
// What host memory stores for a GuestID besides its queue block
// (assembly/layout/amd-block.ts): pointers, enables, status, logs, ID tables.

import {
  AMD_CTX_COMMAND_BASE,
  AMD_CTX_CONTROL,
  AMD_CTX_EVENT_BASE,
  AMD_CTX_EVENT_LENGTH,
  AMD_CTX_EVENT_TAIL,
  AMD_CTX_EVENTS_LOST,
  AMD_CTX_POINTERS,
  AMD_CTX_PPR_BASE,
  AMD_CTX_PPR_HEAD,
  AMD_CTX_PPR_LENGTH,
  AMD_CTX_PPR_TAIL,
  AMD_CTX_PPRS_LOST,
  AMD_CTX_STATUS,
  AMD_CTX_TABLES,
  AMD_CTX_TRANSLATE_DEVICE,
} from '../../assembly/layout/amd-block.ts';
import {
  AMD_COMMAND_HEAD,
  AMD_CONTROL_CMD_BUF_EN,
  AMD_CONTROL_EVENT_LOG_EN,
  AMD_CONTROL_PPR_LOG_EN,
  AMD_ENTRY_SIZE,
  AMD_EVENT_TAIL,
  AMD_MAX_LENGTH,
  AMD_POINTERS_SIZE,
  AMD_STATUS_CMD_BUF_RUN,
  AMD_STATUS_EVENT_LOG_RUN,
  AMD_STATUS_EVENT_OVERFLOW,
  AMD_STATUS_PPR_OVERFLOW,
  AMD_STATUS_PPR_RUN,
  AMD_VF_PAGE,
} from '../../assembly/layout/amd-formats.ts';
import {
  CTX_DOORBELL_CALLS,
  CTX_PAGE0,
  CTX_STRIDE,
  CTX_WINDOW,
  SMMU_AT_CONTEXTS,
} from '../../assembly/layout/context-memory.ts';
import {
  QUEUE_ERROR_PUBLISHED,
  QUEUE_KIND_MAIN,
  QUEUE_KIND_OVERLAY,
  QUEUE_PARKED,
  QUEUE_RUNNING,
} from '../../assembly/layout/queue-memory.ts';
import { maskInWord } from '../plugin/index.ts';
import { QueueBlock, smmuBase } from '../unit/index.ts';

/** Per log: its enable, its run bit, and its overflow bit. */
const LOGS = [
  [AMD_CONTROL_EVENT_LOG_EN, AMD_STATUS_EVENT_LOG_RUN, AMD_STATUS_EVENT_OVERFLOW],
  [AMD_CONTROL_PPR_LOG_EN, AMD_STATUS_PPR_RUN, AMD_STATUS_PPR_OVERFLOW],
] as const;
const RUN_BITS = [AMD_STATUS_CMD_BUF_RUN, AMD_STATUS_EVENT_LOG_RUN, AMD_STATUS_PPR_RUN].reduce(
  (bits, field) => bits | maskInWord(field),
  0,
);

/** Index bits of the largest log: pointers have no bits above. */
const PPR_INDEX = 2 ** AMD_MAX_LENGTH - 1;

export class AmdGuestBlock {
  readonly guest: number;
  readonly queue: QueueBlock;
  readonly #address: number;
  readonly #words: Int32Array;
  /** The guest's memory while the pointers are stored there. */
  #placed: Int32Array | undefined;

  constructor(hostMemory: WebAssembly.Memory, guest: number) {
    this.guest = guest;
    this.queue = new QueueBlock(hostMemory, 0, guest);
    this.#address = smmuBase(0) + SMMU_AT_CONTEXTS + guest * CTX_STRIDE;
    this.#words = new Int32Array(hostMemory.buffer);
  }

  #get(field: number): number {
    return Atomics.load(this.#words, (this.#address + field) >> 2) >>> 0;
  }

  #set(field: number, value: number): void {
    Atomics.store(this.#words, (this.#address + field) >> 2, value | 0);
  }

  #setLong(field: number, value: number): void {
    this.#set(field, value % 2 ** 32);
    this.#set(field + 4, Math.floor(value / 2 ** 32));
  }

  reset(): void {
    this.#words.fill(0, this.#address >> 2, (this.#address + CTX_STRIDE) >> 2);
    this.queue.reset(this.guest === 0 ? QUEUE_KIND_MAIN : QUEUE_KIND_OVERLAY, this.guest);
  }

  /** Window of the guest's memory; 0 is the host's. */
  get window(): number {
    return this.#get(CTX_WINDOW);
  }

  get doorbellCalls(): number {
    return this.#get(CTX_DOORBELL_CALLS);
  }

  /** Records lost because the log was full, disabled or unreachable. */
  get eventsLost(): number {
    return this.#get(AMD_CTX_EVENTS_LOST);
  }

  /**
   * Sets a command buffer and starts at its first entry. `pa` names it in events;
   * `offset` is its place in the memory of its window, 0 when it is not there.
   */
  setCommandBuffer(window: number, pa: number, offset: number, log2size: number): void {
    this.#set(CTX_WINDOW, window);
    this.#set(AMD_CTX_COMMAND_BASE, pa % 2 ** 32);
    this.queue.setRing(window, offset, log2size);
    this.queue.cons = 0;
    this.writePointer(AMD_COMMAND_HEAD, 0);
    this.writePointer(AMD_COMMAND_HEAD + 8, 0);
  }

  /** Sets an event log and starts at its first entry; PA 0 for none. */
  setEventLog(pa: number, log2size: number): void {
    this.#setLong(AMD_CTX_EVENT_BASE, pa);
    this.#set(AMD_CTX_EVENT_LENGTH, log2size);
    this.#set(AMD_CTX_EVENT_TAIL, 0);
    this.writePointer(AMD_EVENT_TAIL - 8, 0);
    this.writePointer(AMD_EVENT_TAIL, 0);
  }

  /** Sets a PPR log and starts at its first entry; PA 0 for none. */
  setPprLog(pa: number, log2size: number): void {
    this.#setLong(AMD_CTX_PPR_BASE, pa);
    this.#set(AMD_CTX_PPR_LENGTH, log2size);
    this.#set(AMD_CTX_PPR_HEAD, 0);
    this.#set(AMD_CTX_PPR_TAIL, 0);
  }

  /** Page requests lost because the log had overflowed or was unreachable. */
  get pageRequestsLost(): number {
    return this.#get(AMD_CTX_PPRS_LOST);
  }

  /** Pointers of the PPR log, in bytes. */
  get pprHead(): number {
    return (this.#get(AMD_CTX_PPR_HEAD) & PPR_INDEX) * AMD_ENTRY_SIZE;
  }
  set pprHead(bytes: number) {
    this.#set(AMD_CTX_PPR_HEAD, Math.floor(bytes / AMD_ENTRY_SIZE) & PPR_INDEX);
  }
  get pprTail(): number {
    return (this.#get(AMD_CTX_PPR_TAIL) & PPR_INDEX) * AMD_ENTRY_SIZE;
  }

  /** PA of the ID tables; 0 when IDs are the host's. */
  setTables(pa: number): void {
    this.#setLong(AMD_CTX_TABLES, pa);
  }

  setTranslateDevice(device: number): void {
    this.#set(AMD_CTX_TRANSLATE_DEVICE, device);
  }

  /**
   * Enables of the buffers, as in the control register. A newly enabled buffer starts to
   * run, except a log whose overflow has not been cleared: it has to be disabled and
   * enabled again.
   */
  get control(): number {
    return this.#get(AMD_CTX_CONTROL);
  }
  set control(control: number) {
    const enabled = maskInWord(AMD_CONTROL_CMD_BUF_EN);
    if ((control & ~this.control & enabled) !== 0 || (control & enabled) === 0)
      this.queue.state = QUEUE_RUNNING;
    const status = (this.#address + AMD_CTX_STATUS) >> 2;
    for (const [enable, run, overflow] of LOGS) {
      const log = maskInWord(enable);
      const overran = (this.#get(AMD_CTX_STATUS) & maskInWord(overflow)) !== 0;
      if ((control & log) === 0) Atomics.and(this.#words, status, ~maskInWord(run));
      else if ((this.control & log) === 0 && !overran)
        Atomics.or(this.#words, status, maskInWord(run));
    }
    this.#set(AMD_CTX_CONTROL, control);
  }

  /** The status register. */
  get status(): number {
    const { control } = this;
    const status = this.#get(AMD_CTX_STATUS);
    const runs =
      (control & maskInWord(AMD_CONTROL_CMD_BUF_EN)) !== 0 &&
      this.queue.state !== QUEUE_ERROR_PUBLISHED;
    return runs ? status | maskInWord(AMD_STATUS_CMD_BUF_RUN) : status;
  }

  /**
   * A write to the status register: bits written as 1 are cleared, except the RUN bits.
   */
  clearStatus(written: number): void {
    Atomics.and(this.#words, (this.#address + AMD_CTX_STATUS) >> 2, ~(written & ~RUN_BITS));
  }

  /** Guest-memory offset of the pointers while they are stored there, otherwise 0. */
  get page(): number {
    return this.#get(CTX_PAGE0);
  }

  /** The low word of a pointer, by MMIO offset. */
  readPointer(register: number): number {
    const { page } = this;
    const offset = register - AMD_VF_PAGE;
    return page !== 0 && this.#placed
      ? Atomics.load(this.#placed, (page + offset) >> 2) >>> 0
      : this.#get(AMD_CTX_POINTERS + offset);
  }
  writePointer(register: number, value: number): void {
    const { page } = this;
    const offset = register - AMD_VF_PAGE;
    if (page !== 0 && this.#placed) Atomics.store(this.#placed, (page + offset) >> 2, value | 0);
    else this.#set(AMD_CTX_POINTERS + offset, value);
  }

  /**
   * Moves the pointers into the guest's memory, or back (offset 0). What the guest left
   * there is as untrusted as any register write.
   */
  place(guestMemory: WebAssembly.Memory, memoryOffset: number): void {
    const guest = new Int32Array(guestMemory.buffer);
    const own = (this.#address + AMD_CTX_POINTERS) >> 2;
    const { page } = this;
    for (let word = 0; word < AMD_POINTERS_SIZE / 4; word++) {
      if (page !== 0)
        Atomics.store(this.#words, own + word, Atomics.load(guest, (page >> 2) + word));
      if (memoryOffset !== 0)
        Atomics.store(guest, (memoryOffset >> 2) + word, Atomics.load(this.#words, own + word));
    }
    this.#placed = memoryOffset === 0 ? undefined : guest;
    this.#set(CTX_PAGE0, memoryOffset);
  }

  /**
   * Pointers, status and state of the buffers, for saved states. A parked buffer fetches
   * its COMPLETION_WAIT again.
   */
  saveBuffers(): number[] {
    const { queue } = this;
    const pointers = Array.from({ length: AMD_POINTERS_SIZE / 8 }, (_, i) =>
      this.readPointer(AMD_VF_PAGE + 8 * i),
    );
    const state = queue.state === QUEUE_PARKED ? QUEUE_RUNNING : queue.state;
    return [
      ...pointers,
      this.#get(AMD_CTX_STATUS),
      this.#get(AMD_CTX_EVENT_TAIL),
      queue.cons,
      state,
      this.#get(AMD_CTX_PPR_HEAD),
      this.#get(AMD_CTX_PPR_TAIL),
    ];
  }
  restoreBuffers(words: readonly number[]): void {
    const pointers = AMD_POINTERS_SIZE / 8;
    words.slice(0, pointers).forEach((word, i) => {
      this.writePointer(AMD_VF_PAGE + 8 * i, word);
    });
    const [status = 0, eventTail = 0, cons = 0, state = 0, pprHead = 0, pprTail = 0] =
      words.slice(pointers);
    this.#set(AMD_CTX_STATUS, status);
    this.#set(AMD_CTX_EVENT_TAIL, eventTail);
    this.#set(AMD_CTX_PPR_HEAD, pprHead);
    this.#set(AMD_CTX_PPR_TAIL, pprTail);
    this.queue.cons = cons;
    this.queue.state = state;
  }
}
