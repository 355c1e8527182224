// SPDX-License-Identifier: MIT
// The mailbox of a vCPU: passes a call of one of its imports to the VMM's thread, and the
// result back. One request at a time; the words are a SharedArrayBuffer that no guest can
// reach. The effect of a call and its count belong to the VMM: the vCPU's side only knows
// the numbers of imports.

import { MAILBOX_BYTES, VMM_SLEEPING, VMM_WAKE } from './control-block.ts';

// Indexes of 32-bit words.
const STATE = 0;
const IDLE = 0;
const POSTED = 1;
const ANSWERED = 2;
/** 1 while the vCPU sleeps on STATE, or is about to. */
const ASLEEP = 1;
const CALL = 2;
const COUNT = 3;
/** Bit n: argument n is an i64. */
const LONGS = 4;
const RESULT = 5;
const RESULT_NONE = 0;
const RESULT_NUMBER = 1;
const RESULT_LONG = 2;
const RESULT_THROWN = 3;
/** 1 while the guest runs on this vCPU, including exits. */
const RUNNING = 6;
/**
 * 1: the VMM wants the vCPU to pause at its next safe point; PAUSED is 1 while it does.
 */
const PAUSE = 7;
const PAUSED = 8;
const STOP = 9;
/**
 * 64-bit slots of the arguments. Up to three are in the cache line of STATE, which a
 * request transfers in any case. The result replaces the first one.
 */
const SLOTS_AT = 40;
const MAX_ARGUMENTS = 10;
const RESULT_SLOT = 0;

/**
 * Time for which a vCPU spins for a result before it sleeps: about the cost of a sleep
 * and a wakeup.
 */
const SPIN_MS = 0.04;
const LOOKS_PER_CLOCK = 32;
/** Maximum single sleep: a stop is seen at least this often. */
const SLEEP_MS = 50;

/** Thrown through the guest's frames; the VMM's side knows the reason. */
export class ExitRefused extends Error {
  override readonly name = 'ExitRefused';
}

class Mailbox {
  protected readonly words: Int32Array;
  protected readonly numbers: Float64Array;
  protected readonly longs: BigInt64Array;

  constructor(buffer: SharedArrayBuffer) {
    this.words = new Int32Array(buffer, 0, SLOTS_AT / 4);
    this.numbers = new Float64Array(buffer, SLOTS_AT, MAX_ARGUMENTS);
    this.longs = new BigInt64Array(buffer, SLOTS_AT, MAX_ARGUMENTS);
  }
}

export type Value = number | bigint;

/** The vCPU's side. */
export class MailboxClient extends Mailbox {
  readonly #vmm: Int32Array;

  constructor(buffer: SharedArrayBuffer, vmm: SharedArrayBuffer) {
    super(buffer);
    this.#vmm = new Int32Array(vmm);
  }

  /** Called when the guest is entered. */
  enter(): void {
    Atomics.store(this.words, RUNNING, 1);
    this.#safePoint();
  }

  /** Called when the guest has returned or thrown. */
  leave(): void {
    Atomics.store(this.words, RUNNING, 0);
  }

  argument(index: number, value: Value): void {
    if (typeof value === 'bigint') {
      this.longs[index] = value;
      this.words[LONGS] = (this.words[LONGS] ?? 0) | (1 << index);
    } else {
      this.numbers[index] = value;
    }
  }

  /** Starts a request; `argument` and `post` follow. */
  open(call: number, count: number): void {
    const words = this.words;
    words[CALL] = call;
    words[COUNT] = count;
    words[LONGS] = 0;
  }

  /**
   * Posts the request and waits for its result.
   * @throws {ExitRefused} when the VMM's side has thrown.
   */
  post(): Value | undefined {
    const words = this.words;
    Atomics.store(words, STATE, POSTED);
    Atomics.add(this.#vmm, VMM_WAKE, 1);
    if (Atomics.load(this.#vmm, VMM_SLEEPING) !== 0) Atomics.notify(this.#vmm, VMM_WAKE);
    if (!this.#spin()) this.#sleep();
    const kind = words[RESULT];
    Atomics.store(words, STATE, IDLE);
    this.#safePoint();
    if (kind === RESULT_THROWN) throw new ExitRefused('the exit was refused');
    if (kind === RESULT_LONG) return this.longs[RESULT_SLOT];
    return kind === RESULT_NUMBER ? this.numbers[RESULT_SLOT] : undefined;
  }

  #spin(): boolean {
    const limit = performance.now() + SPIN_MS;
    do {
      for (let look = 0; look < LOOKS_PER_CLOCK; look++)
        if (Atomics.load(this.words, STATE) !== POSTED) return true;
    } while (performance.now() < limit);
    return false;
  }

  /**
   * Until the result is there, or the vCPU is stopped. There is no other limit: a VMM
   * that is busy with another machine is not a failure of this one, and a thread whose
   * VMM has ended is terminated with it.
   */
  #sleep(): void {
    Atomics.store(this.words, ASLEEP, 1);
    while (Atomics.load(this.words, STATE) === POSTED) {
      Atomics.wait(this.words, STATE, POSTED, SLEEP_MS);
      if (Atomics.load(this.words, STATE) !== POSTED) break;
      if (Atomics.load(this.words, STOP) !== 0) throw new ExitRefused('the vCPU was stopped');
    }
    Atomics.store(this.words, ASLEEP, 0);
  }

  /**
   * A running vCPU pauses here: after an exit, and before it enters the guest. It waits
   * until it is resumed or stopped.
   */
  #safePoint(): void {
    if (Atomics.load(this.words, PAUSE) === 0) return;
    Atomics.store(this.words, PAUSED, 1);
    while (Atomics.load(this.words, PAUSE) !== 0 && Atomics.load(this.words, STOP) === 0)
      Atomics.wait(this.words, PAUSE, 1, SLEEP_MS);
    Atomics.store(this.words, PAUSED, 0);
  }

  /** Sleeps on the guest's request, and wakes for a pause or a stop. */
  rest(ms: number): void {
    Atomics.wait(this.words, PAUSE, 0, ms);
  }
}

/** The VMM's side: an import, with its exit counted. */
export interface ServedCall {
  readonly call: (...args: Value[]) => unknown;
  /** How long the VMM's thread spins for another exit after this one. */
  readonly spinMs: number;
}

export class MailboxServer extends Mailbox {
  readonly buffer: SharedArrayBuffer;
  readonly #calls: readonly ServedCall[];
  /** The last value that a call has thrown. */
  thrown: unknown;

  /** @param calls by the number that the vCPU's side uses. */
  constructor(calls: readonly ServedCall[]) {
    const buffer = new SharedArrayBuffer(MAILBOX_BYTES);
    super(buffer);
    this.buffer = buffer;
    this.#calls = calls;
  }

  get pending(): boolean {
    return Atomics.load(this.words, STATE) === POSTED;
  }

  /** Guest code may be running: the vCPU is neither at an exit nor outside the guest. */
  get inGuest(): boolean {
    return (
      Atomics.load(this.words, RUNNING) !== 0 &&
      Atomics.load(this.words, STATE) !== POSTED &&
      Atomics.load(this.words, PAUSED) === 0
    );
  }

  /** Makes the vCPU pause, or resumes it. */
  setPaused(paused: boolean): void {
    Atomics.store(this.words, PAUSE, paused ? 1 : 0);
    Atomics.notify(this.words, PAUSE);
  }

  /** True when the vCPU is stopped: paused, or not in the guest at all. */
  get still(): boolean {
    return Atomics.load(this.words, RUNNING) === 0 || Atomics.load(this.words, PAUSED) !== 0;
  }

  /** Ends the sleep that its guest has requested. */
  wake(): void {
    Atomics.notify(this.words, PAUSE);
  }

  /** Ends every wait of the vCPU's side. */
  setStopped(): void {
    Atomics.store(this.words, STOP, 1);
    Atomics.notify(this.words, PAUSE);
    Atomics.notify(this.words, STATE);
  }

  /**
   * Executes one request, if there is one. Returns how long to spin for the next; 0 when
   * there was none.
   */
  serve(): number {
    const words = this.words;
    if (Atomics.load(words, STATE) !== POSTED) return 0;
    const spinMs = this.#calls[words[CALL] ?? -1]?.spinMs ?? 0;
    try {
      this.#answer(this.#call());
    } catch (thrown) {
      // The machine has recorded the reason.
      this.thrown = thrown;
      words[RESULT] = RESULT_THROWN;
    }
    Atomics.store(words, STATE, ANSWERED);
    if (Atomics.load(words, ASLEEP) !== 0) Atomics.notify(words, STATE);
    return spinMs;
  }

  #argument(index: number): Value {
    return ((this.words[LONGS] ?? 0) >> index) & 1
      ? (this.longs[index] ?? 0n)
      : (this.numbers[index] ?? 0);
  }

  #call(): unknown {
    const call = this.#calls[this.words[CALL] ?? -1]?.call;
    if (!call) throw new RangeError(`there is no import ${this.words[CALL]}`);
    const count = Math.min(this.words[COUNT] ?? 0, MAX_ARGUMENTS);
    if (count === 0) return call();
    if (count === 1) return call(this.#argument(0));
    if (count === 2) return call(this.#argument(0), this.#argument(1));
    return call(...Array.from({ length: count }, (_, i) => this.#argument(i)));
  }

  #answer(result: unknown): void {
    if (typeof result === 'bigint') {
      this.longs[RESULT_SLOT] = result;
      this.words[RESULT] = RESULT_LONG;
    } else {
      if (result !== undefined) this.numbers[RESULT_SLOT] = Number(result);
      this.words[RESULT] = result === undefined ? RESULT_NONE : RESULT_NUMBER;
    }
  }
}
