// SPDX-License-Identifier: MIT
// Access to a vCPU block from JavaScript (assembly/layout/arm64-state.ts).

import { ARM64_REGISTER_TABLE } from '../../../assembly/layout/a64/arm64-registers.ts';
import {
  ARM64_AWAKE,
  ARM64_BANK,
  ARM64_DP,
  ARM64_EXIT_REQUEST,
  ARM64_INBOX,
  ARM64_INBOX_DONE,
  ARM64_INBOX_HOST,
  ARM64_INBOX_MADE,
  ARM64_INBOX_SIZE,
  ARM64_INSIDE,
  ARM64_LIMIT,
  ARM64_MMIO_VALUE,
  ARM64_NOTICE,
  ARM64_PENDING,
  ARM64_PENDING_IRQ,
  ARM64_PENDING_STOP,
  ARM64_PRESENCE,
  ARM64_RECORD_TRAP,
  ARM64_REGISTERS,
  ARM64_TIME,
  ARM64_TLB_BLOCKS,
  ARM64_ZR,
} from '../../../assembly/layout/arm64-state.ts';

/**
 * Offset in the block of a system register that is storage.
 * @throws {RangeError} when it is not one.
 */
export function storageOffset(name: string): number {
  const register = ARM64_REGISTER_TABLE.find((one) => one.name === name);
  if (!register || register.slot < 0) throw new RangeError(`${name} is no register with storage`);
  return ARM64_REGISTERS + 8 * register.slot;
}

/**
 * The ranges of a block that are the vCPU's state: registers, PSTATE, count, interrupts
 * and monitor; time; system registers and timers. The rest are places in the machine,
 * derived values, or caches.
 */
const STATE = [
  [ARM64_ZR, ARM64_RECORD_TRAP],
  [ARM64_TIME, ARM64_DP],
  [ARM64_BANK, ARM64_TLB_BLOCKS],
] as const;
const STATE_SIZE = STATE.reduce((sum, [from, to]) => sum + to - from, 0);

/** The block of one vCPU. Offsets are those of ARM64_*. */
export class Arm64Block {
  /** Byte offset in memory. */
  readonly at: number;
  readonly #words: Int32Array;
  readonly #longs: BigUint64Array;
  readonly #bytes: Uint8Array;

  constructor(memory: WebAssembly.Memory, at: number) {
    this.at = at;
    this.#words = new Int32Array(memory.buffer);
    this.#longs = new BigUint64Array(memory.buffer);
    this.#bytes = new Uint8Array(memory.buffer);
  }

  /** Bytes of the memory that contains the block, by their offset in the memory. */
  bytes(address: number, length: number): Uint8Array {
    return this.#bytes.subarray(address, address + length);
  }

  /** A 32-bit word, unsigned. */
  word(offset: number): number {
    return (this.#words[(this.at + offset) >>> 2] ?? 0) >>> 0;
  }

  setWord(offset: number, value: number): void {
    this.#words[(this.at + offset) >>> 2] = value;
  }

  long(offset: number): bigint {
    return this.#longs[(this.at + offset) >>> 3] ?? 0n;
  }

  setLong(offset: number, value: bigint): void {
    this.#longs[(this.at + offset) >>> 3] = value;
  }

  /** Value of an access to a device or to a register of the board. */
  get mmioValue(): bigint {
    return this.long(ARM64_MMIO_VALUE);
  }

  set mmioValue(value: bigint) {
    this.setLong(ARM64_MMIO_VALUE, value);
  }

  /** Sets the IRQ input. A running vCPU checks it at its next taken branch. */
  setIrq(asserted: boolean): void {
    this.#setPending(ARM64_PENDING_IRQ, asserted);
  }

  /** Requests a vCPU to return to its runner. */
  setStop(wanted: boolean): void {
    this.#setPending(ARM64_PENDING_STOP, wanted);
  }

  /** `setStop` for a vCPU that may sleep on its own thread, which this wakes. */
  stopThread(): void {
    this.setStop(true);
    this.wake();
  }

  /** Requests an exit of a vCPU with its own thread, and wakes it if it sleeps. */
  requestExit(): void {
    Atomics.store(this.#words, (this.at + ARM64_EXIT_REQUEST) >>> 2, 1);
    Atomics.store(this.#words, (this.at + ARM64_LIMIT) >>> 2, 0);
    this.wake();
  }

  /** Whether its thread sleeps in a WFI, or does not run. */
  get isAsleep(): boolean {
    return Atomics.load(this.#words, (this.at + ARM64_AWAKE) >>> 2) === 0;
  }

  /** Ends the sleep of its thread. */
  wake(): void {
    Atomics.notify(this.#words, (this.at + ARM64_PENDING) >>> 2);
  }

  /**
   * Sleeps until an interrupt or a stop arrives, or another thread wakes it.
   * @param pending ARM64_PENDING from when there was no work.
   */
  sleep(pending: number, ms: number): void {
    Atomics.wait(this.#words, (this.at + ARM64_PENDING) >>> 2, pending, ms);
  }

  /** ARM64_PENDING. */
  get pending(): number {
    return Atomics.load(this.#words, (this.at + ARM64_PENDING) >>> 2);
  }

  /** It executes instructions on its own thread: it is neither at an exit, nor asleep. */
  get isInside(): boolean {
    const presence = Atomics.load(this.#words, (this.at + ARM64_PRESENCE) >>> 2);
    return (presence & ARM64_INSIDE) !== 0;
  }

  /**
   * Requests a vCPU with its own thread to pass an instruction boundary. Returns the
   * number of the request.
   */
  askToPass(): number {
    const inbox = (this.at + ARM64_INBOX + ARM64_INBOX_HOST * ARM64_INBOX_SIZE) >>> 2;
    const made = Atomics.add(this.#words, inbox + (ARM64_INBOX_MADE >>> 2), 1) + 1;
    Atomics.store(this.#words, (this.at + ARM64_NOTICE) >>> 2, 1);
    Atomics.store(this.#words, (this.at + ARM64_LIMIT) >>> 2, 0);
    return made | 0;
  }

  /** True when it has passed one since the request with that number. */
  hasPassed(request: number): boolean {
    const inbox = (this.at + ARM64_INBOX + ARM64_INBOX_HOST * ARM64_INBOX_SIZE) >>> 2;
    const done = Atomics.load(this.#words, inbox + (ARM64_INBOX_DONE >>> 2));
    return ((done - request) | 0) >= 0;
  }

  /**
   * Clears what any thread has requested from the vCPU. The caller checks for work after
   * it: a plain store could become visible after that check, and clear a request that
   * arrived in between.
   */
  clearExitRequest(): void {
    Atomics.store(this.#words, (this.at + ARM64_EXIT_REQUEST) >>> 2, 0);
  }

  #stateRanges(): readonly Uint8Array[] {
    const { buffer } = this.#words;
    return STATE.map(([from, to]) => new Uint8Array(buffer, this.at + from, to - from));
  }

  /** The state of a vCPU that does not run, in hexadecimal. */
  saveState(): string {
    return this.#stateRanges()
      .flatMap((range) => Array.from(range, (byte) => byte.toString(16).padStart(2, '0')))
      .join('');
  }

  /**
   * Restores a result of `saveState`; TLBs and records are then out of date.
   * @throws {TypeError} when it is not one.
   */
  restoreState(text: string): void {
    if (text.length !== 2 * STATE_SIZE || /[^0-9a-f]/.test(text))
      throw new TypeError('this is not a state of an arm64 vCPU');
    let at = 0;
    for (const range of this.#stateRanges())
      for (let i = 0; i < range.length; i++, at += 2)
        range[i] = Number.parseInt(text.slice(at, at + 2), 16);
  }

  #setPending(bit: number, value: boolean): void {
    const index = (this.at + ARM64_PENDING) >>> 2;
    if (!value) {
      Atomics.and(this.#words, index, ~bit);
      return;
    }
    // In this order: the vCPU checks what is pending when its limit is reached.
    if ((Atomics.or(this.#words, index, bit) & bit) === 0)
      Atomics.store(this.#words, (this.at + ARM64_LIMIT) >>> 2, 0);
  }
}
