// SPDX-License-Identifier: MIT
// The timers of a machine's devices. Their callbacks are background work: the queue is polled at
// safe points, never during a register access.

import { type BackgroundLoop, MachineError, type Timer } from '../plugin/index.ts';
import { checkRequiredFunction } from '../plugin/known-names.ts';
import { checkMethods } from '../plugin/known-values.ts';
import { nonEmpty } from '../plugin/option-kinds.ts';
import { type Clock, checkedClock } from './clock.ts';

/** Timers that one machine's devices may have. */
export const MAX_TIMERS = 1024;

class QueuedTimer implements Timer {
  readonly #owner: string;
  readonly #name: string;
  readonly #callback: () => void;
  readonly #moved: (from: number | undefined, to: number | undefined) => void;
  #deadline: number | undefined;

  constructor(
    owner: string,
    name: string,
    callback: () => void,
    moved: (from: number | undefined, to: number | undefined) => void,
  ) {
    this.#owner = owner;
    this.#name = name;
    this.#callback = callback;
    this.#moved = moved;
  }

  /** "device: timer". */
  get label(): string {
    return `${this.#owner}: ${this.#name}`;
  }

  get deadline(): number | undefined {
    return this.#deadline;
  }

  at(deadlineNs: number): void {
    if (!Number.isFinite(deadlineNs))
      throw new RangeError(`deadline of timer ${this.#name} is ${deadlineNs}`);
    this.#set(deadlineNs);
  }

  cancel(): void {
    this.#set(undefined);
  }

  #set(deadline: number | undefined): void {
    const before = this.#deadline;
    this.#deadline = deadline;
    this.#moved(before, deadline);
  }

  /** Takes the deadline away and calls back. */
  expire(): void {
    this.cancel();
    try {
      this.#callback();
    } catch (cause) {
      throw MachineError.of(this.#owner, cause);
    }
  }
}

/** A timer with a deadline, as tests and tools see it. */
export interface PendingTimer {
  /** "device: timer". */
  readonly label: string;
  /** Nanoseconds of the queue's clock. */
  readonly deadline: number;
}

/**
 * The timers of the devices of a host: poll it at safe points, and sleep no longer than until its
 * next deadline.
 */
export class TimerQueue implements BackgroundLoop {
  readonly name = 'timers';
  readonly #clock: Clock;
  /** In the order in which they were made. */
  readonly #timers: QueuedTimer[] = [];
  /** Infinity: no timer is pending. */
  #earliest = Number.POSITIVE_INFINITY;
  #expiring = false;

  constructor(clock: Clock) {
    checkMethods(clock, ['nowNs'], 'TimerQueue: clock');
    this.#clock = checkedClock(clock);
  }

  /**
   * Makes a timer of a device.
   * @throws {TypeError} when a name is no text, or the callback no function.
   * @throws {RangeError} when there are MAX_TIMERS already.
   */
  add(owner: string, name: string, callback: () => void): Timer {
    nonEmpty(owner, 'TimerQueue.add', 'owner');
    nonEmpty(name, 'TimerQueue.add', 'name');
    checkRequiredFunction(callback, 'TimerQueue.add: callback');
    if (this.#timers.length >= MAX_TIMERS)
      throw new RangeError(`${owner} has no room for timer ${name}: there are ${MAX_TIMERS}`);
    const timer = new QueuedTimer(owner, name, callback, (from, to) => this.#moved(from, to));
    this.#timers.push(timer);
    return timer;
  }

  #moved(from: number | undefined, to: number | undefined): void {
    if (to !== undefined && to <= this.#earliest) this.#earliest = to;
    else if (from === this.#earliest) this.#findEarliest();
  }

  #findEarliest(): void {
    this.#earliest = this.#timers.reduce(
      (earliest, { deadline }) => Math.min(earliest, deadline ?? Number.POSITIVE_INFINITY),
      Number.POSITIVE_INFINITY,
    );
  }

  /**
   * When the next callback is due, in nanoseconds of the clock: how long an idle machine
   * may sleep. Undefined: none is pending.
   */
  get nextDeadline(): number | undefined {
    return this.#earliest === Number.POSITIVE_INFINITY ? undefined : this.#earliest;
  }

  /** The timers that have a deadline, in the order in which they were made. */
  get pending(): readonly PendingTimer[] {
    return this.#timers.flatMap(({ label, deadline }) =>
      deadline === undefined ? [] : [{ label, deadline }],
    );
  }

  /**
   * Calls back every timer that is due now: the earliest deadline first, of equal ones the timer
   * made first. A deadline that a callback sets waits for the next poll, however early it is, so
   * that a poll ends. Returns the number of callbacks.
   * @throws {MachineError} when a callback throws.
   */
  poll(): number {
    if (this.#earliest === Number.POSITIVE_INFINITY || this.#expiring) return 0;
    const now = this.#clock.nowNs();
    if (now < this.#earliest) return 0;
    const due = this.#timers
      .filter(({ deadline }) => deadline !== undefined && deadline <= now)
      .sort((a, b) => (a.deadline ?? 0) - (b.deadline ?? 0));
    let called = 0;
    this.#expiring = true;
    try {
      for (const timer of due) {
        // An earlier callback may have cancelled it, or set it to a later time.
        if (timer.deadline === undefined || timer.deadline > now) continue;
        called++;
        timer.expire();
      }
    } finally {
      this.#expiring = false;
    }
    return called;
  }

  /** Cancels every timer; for a reset of the devices. */
  cancelAll(): void {
    for (const timer of this.#timers) timer.cancel();
  }
}
