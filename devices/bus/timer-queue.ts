// SPDX-License-Identifier: MIT
// The timers of a machine's devices. Their callbacks are background work: the queue is
// polled at safe points, never during a register access.

import { type BackgroundLoop, MachineError, type Timer } from '../plugin/index.ts';
import { checkRequiredFunction } from '../plugin/known-names.ts';
import { checkMethods } from '../plugin/known-values.ts';
import { nonEmpty } from '../plugin/option-kinds.ts';
import { type Clock, checkedClock } from './clock.ts';

/** Maximum number of timers of one machine's devices. */
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

  /** Clears the deadline and calls the callback. */
  expire(): void {
    this.cancel();
    try {
      this.#callback();
    } catch (cause) {
      throw MachineError.of(this.#owner, cause);
    }
  }
}

/** A timer with a deadline, for tests and tools. */
export interface PendingTimer {
  /** "device: timer". */
  readonly label: string;
  /** Nanoseconds of the queue's clock. */
  readonly deadline: number;
}

/**
 * The timers of a host's devices. The host polls the queue at safe points, and sleeps at
 * most until its next deadline.
 */
export class TimerQueue implements BackgroundLoop {
  readonly name = 'timers';
  readonly #clock: Clock;
  /** In order of creation. */
  readonly #timers: QueuedTimer[] = [];
  /** Infinity when no timer is pending. */
  #earliest = Number.POSITIVE_INFINITY;
  #expiring = false;

  constructor(clock: Clock) {
    checkMethods(clock, ['nowNs'], 'TimerQueue: clock');
    this.#clock = checkedClock(clock);
  }

  /**
   * Makes a timer of a device.
   * @throws {TypeError} when a name is not a string, or the callback not a function.
   * @throws {RangeError} when there are already MAX_TIMERS.
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
   * When the next callback is due, in nanoseconds of the clock, which limits how long an
   * idle machine may sleep. Undefined: none is pending.
   */
  get nextDeadline(): number | undefined {
    return this.#earliest === Number.POSITIVE_INFINITY ? undefined : this.#earliest;
  }

  /** The timers that have a deadline, in order of creation. */
  get pending(): readonly PendingTimer[] {
    return this.#timers.flatMap(({ label, deadline }) =>
      deadline === undefined ? [] : [{ label, deadline }],
    );
  }

  /**
   * Calls every timer that is due now: the earliest deadline first, equal ones in order
   * of creation. A deadline set by a callback waits for the next poll even if it has
   * passed, so that every poll ends.
   * @returns the number of callbacks.
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
        // An earlier callback may have cancelled or postponed it.
        if (timer.deadline === undefined || timer.deadline > now) continue;
        called++;
        timer.expire();
      }
    } finally {
      this.#expiring = false;
    }
    return called;
  }

  /** Cancels every timer, for a reset of the devices. */
  cancelAll(): void {
    for (const timer of this.#timers) timer.cancel();
  }
}
