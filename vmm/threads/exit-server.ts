// SPDX-License-Identifier: MIT
// Serves the exits of vCPUs with their own threads, on the VMM's thread: spins while
// there is work, and for a while after, then sleeps without blocking, so that timers,
// input and comlink continue.

import { VMM_SLEEPING, VMM_WAKE, VMM_WORDS } from './control-block.ts';
import type { MailboxServer } from './mailbox.ts';
import { tick } from './tick.ts';

/** Common state of a machine's vCPUs. */
export interface ServedMachine {
  /**
   * The VMM's work for the machine outside exits: called after each sleep. True when
   * there may be more to do at once.
   */
  attend(): boolean;
  /**
   * Milliseconds until the next timer of the machine's devices is due; Infinity: never.
   */
  untilTimerMs(): number;
}

/** A running vCPU in the form that the server uses. */
export interface ServedVcpu {
  readonly mailbox: MailboxServer;
  /** The same object for all vCPUs of a machine. */
  readonly machine: ServedMachine;
  /**
   * True while it waits for an interrupt, and so does nothing that has to be looked for.
   */
  readonly isAsleep?: (() => boolean) | undefined;
}

/** A machine with running vCPUs. */
interface Served {
  readonly machine: ServedMachine;
  readonly vcpus: readonly ServedVcpu[];
  /** Index of the vCPU to check first: the one after the last that was served. */
  next: number;
}

/**
 * Time for which the VMM's thread spins after a register access before it sleeps:
 * accesses come in sequences. Longer than a sleeping vCPU takes to wake and return: with
 * less, after one delay the two would wait for each other's wakeup at every exit.
 */
export const SPIN_AFTER_MMIO_MS = 0.15;
/**
 * The same after other exits: the next one is unpredictable, and with few cores a
 * spinning thread takes one from those that work.
 */
export const SPIN_MS = 0.02;
/** Everything else on this thread gets a turn at least this often. */
const TURN_MS = 2;
/** Maximum sleep while vCPUs run: devices are polled at least this often. */
const SLEEP_MS = 10;
/**
 * The same while all vCPUs wait for an interrupt: what wakes them may be seen this late.
 */
const SLEEP_WITH_VCPUS_MS = 30;
const LOOKS_PER_CLOCK = 16;

export class ExitServer {
  /** The words by which other threads wake this one (VMM_WORDS words). */
  readonly buffer = new SharedArrayBuffer(4 * VMM_WORDS);
  readonly #words = new Int32Array(this.buffer);
  #machines: readonly Served[] = [];
  #serving = false;
  /** A machine may have more work than at its last `attend`. */
  #busy = false;
  /** VMM_WAKE at the last `attend` of the machines. */
  #attended = 0;

  /** Serves a vCPU from now on. */
  add(vcpu: ServedVcpu): void {
    const { machine } = vcpu;
    const known = this.#machines.find((served) => served.machine === machine);
    const others = this.#machines.filter((served) => served !== known);
    const vcpus = [...(known?.vcpus ?? []), vcpu];
    this.#machines = [...others, { machine, vcpus, next: known?.next ?? 0 }];
    if (this.#serving) return;
    this.#serving = true;
    this.#serve().catch((error: unknown) => {
      // Machines handle their errors: one that arrives here is the VMM's own.
      queueMicrotask(() => {
        throw error;
      });
    });
  }

  remove(vcpu: ServedVcpu): void {
    this.#machines = this.#machines.flatMap((served) => {
      if (!served.vcpus.includes(vcpu)) return [served];
      const vcpus = served.vcpus.filter((other) => other !== vcpu);
      return vcpus.length > 0 ? [{ ...served, vcpus }] : [];
    });
  }

  /**
   * Serves an exit of one of the machine's vCPUs, the one that has waited longest.
   * Machines take turns by one exit each, independent of their number of vCPUs, so an
   * exit waits for at most one service of each other machine.
   * @returns how long to spin for more; 0 when there was none.
   */
  #serveOne(served: Served): number {
    const { vcpus } = served;
    for (let i = 0; i < vcpus.length; i++) {
      const index = (served.next + i) % vcpus.length;
      const spinMs = vcpus[index]?.mailbox.serve() ?? 0;
      if (spinMs === 0) continue;
      served.next = index + 1;
      return spinMs;
    }
    return 0;
  }

  async #serve(): Promise<void> {
    while (this.#machines.length > 0) {
      if (!this.#spin() && !this.#busy) {
        await this.#sleep();
        continue;
      }
      await tick();
      if (this.#busy) this.#attend();
    }
    this.#serving = false;
  }

  /** True when its time was used up, false when there was no work for a while. */
  #spin(): boolean {
    const start = performance.now();
    let until = start + SPIN_MS;
    for (let now = start; now - start < TURN_MS; now = performance.now()) {
      let spinMs = 0;
      for (let look = 0; look < LOOKS_PER_CLOCK; look++) {
        for (const served of this.#machines) spinMs = this.#serveOne(served) || spinMs;
      }
      if (spinMs !== 0) until = now + spinMs;
      else if (now > until) return false;
    }
    return true;
  }

  async #sleep(): Promise<void> {
    // Announced before the last check: a request that comes later finds the word set and
    // notifies. A drain that called while this thread was spinning has changed the word
    // in the meantime, so there is no wait.
    Atomics.store(this.#words, VMM_SLEEPING, 1);
    const isPending = ({ mailbox }: ServedVcpu) => mailbox.pending;
    if (!this.#machines.some(({ vcpus }) => vcpus.some(isPending))) {
      const timers = this.#machines.map(({ machine }) => machine.untilTimerMs());
      const isAsleep = (vcpu: ServedVcpu) => vcpu.isAsleep?.() ?? false;
      const areAsleep = this.#machines.every(({ vcpus }) => vcpus.every(isAsleep));
      const ms = Math.min(areAsleep ? SLEEP_WITH_VCPUS_MS : SLEEP_MS, ...timers);
      const wait = Atomics.waitAsync(this.#words, VMM_WAKE, this.#attended, ms);
      // Timers that are always due must not block everything else.
      await (wait.async ? wait.value : tick());
    }
    Atomics.store(this.#words, VMM_SLEEPING, 0);
    this.#attend();
  }

  #attend(): void {
    this.#attended = Atomics.load(this.#words, VMM_WAKE);
    this.#busy = false;
    for (const { machine } of this.#machines) this.#busy = machine.attend() || this.#busy;
  }
}
