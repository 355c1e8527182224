// SPDX-License-Identifier: MIT
// Serves the exits of vCPUs that run on threads of their own, on the VMM's thread: spins
// while there is something to do, and for a while after, then sleeps without blocking, so
// that timers, input and comlink go on.

import { VMM_SLEEPING, VMM_WAKE, VMM_WORDS } from './control-block.ts';
import type { MailboxServer } from './mailbox.ts';
import { tick } from './tick.ts';

/** What the vCPUs of a machine have in common. */
export interface ServedMachine {
  /**
   * What the VMM does for the machine when no exit has it do so: called after each sleep.
   * True when there may be more to do at once.
   */
  attend(): boolean;
  /** Milliseconds until the next timer of the machine's devices is due; Infinity: never. */
  untilTimerMs(): number;
}

/** A running vCPU as the server sees it. */
export interface ServedVcpu {
  readonly mailbox: MailboxServer;
  /** The same object for all vCPUs of a machine. */
  readonly machine: ServedMachine;
}

/** A machine with vCPUs that run. */
interface Served {
  readonly machine: ServedMachine;
  readonly vcpus: readonly ServedVcpu[];
  /** The vCPU that is looked at first: the one behind that which was served last. */
  next: number;
}

/**
 * How long the VMM's thread spins after a register access before it sleeps: accesses come
 * in streams. Longer than a vCPU that slept takes to wake and come back: with less, one
 * hiccup would have the two wait for each other's waking at every exit from then on.
 */
export const SPIN_AFTER_MMIO_MS = 0.15;
/**
 * The same after other exits: what follows may be anything, and where cores are scarce a
 * spinning thread takes one from those that work.
 */
export const SPIN_MS = 0.02;
/** Everything else on this thread gets its turn at least this often. */
const TURN_MS = 2;
/** Longest sleep while vCPUs run: devices are polled at least this often. */
const SLEEP_MS = 10;
const LOOKS_PER_CLOCK = 16;

export class ExitServer {
  /** What other threads wake this one with (VMM_WORDS words). */
  readonly buffer = new SharedArrayBuffer(4 * VMM_WORDS);
  readonly #words = new Int32Array(this.buffer);
  #machines: readonly Served[] = [];
  #serving = false;
  /** A machine may have more to do than it did when it was attended to last. */
  #busy = false;
  /** VMM_WAKE when the machines were attended to last. */
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
      // Machines keep their errors to themselves: one that comes here is the VMM's own.
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
   * Serves an exit of one of the machine's vCPUs, the one that has waited longest among
   * them. One exit for each machine in turn, however many vCPUs it has: so an exit waits
   * for at most one service of each other machine.
   * @returns how long to go on spinning for more, 0 when there was none.
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

  /** True when its time was up, false when there had been nothing to do for a while. */
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
    // Announced before the last look: a request that comes later finds the word set and
    // notifies. A drain that called while this thread span has changed the word
    // meanwhile: then nothing is waited for.
    Atomics.store(this.#words, VMM_SLEEPING, 1);
    const isPending = ({ mailbox }: ServedVcpu) => mailbox.pending;
    if (!this.#machines.some(({ vcpus }) => vcpus.some(isPending))) {
      const timers = this.#machines.map(({ machine }) => machine.untilTimerMs());
      const ms = Math.min(SLEEP_MS, ...timers);
      const wait = Atomics.waitAsync(this.#words, VMM_WAKE, this.#attended, ms);
      // Timers that are always due must not keep everything else from its turn.
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
