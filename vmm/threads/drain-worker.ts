// SPDX-License-Identifier: MIT
// The side core: a worker that drains the VCMDQs of every machine that it is given. The
// loop looks at the queues in turn, each machine through its own unit. When there is
// nothing to do it spins for a while, then naps, ever longer up to MAX_NAP_MS: a store of
// PROD that nobody announces is served within a millisecond, for some hundredths of a
// core while nothing happens (docs/internals/performance.md).

import { WATCH_NO_COMMAND } from '../../assembly/layout/drain-results.ts';
import { HOST_AT_ATTENTION, HOST_AT_ATTENTION_SEEN } from '../../assembly/layout/host-memory.ts';
import {
  type ExitRequestWords,
  NO_EXIT_REQUEST,
  requestExit,
  Unit,
  type UnitOptions,
} from '../../devices/unit/index.ts';
import type { DrainSleepWords } from '../vcpu/index.ts';
import {
  SIDE_DELAY_MS,
  SIDE_MESSAGES,
  SIDE_NAPS,
  SIDE_ROUNDS,
  SIDE_SPIN_MICROSECONDS,
  SIDE_STANDING,
  SIDE_STOP,
  SIDE_WAKE,
  VMM_SLEEPING,
  VMM_WAKE,
} from './control-block.ts';
import { endThread, exposeToParent } from './expose.ts';
import { releaseMemory } from './release-memory.ts';
import { tick } from './tick.ts';

/** A machine to drain. */
export interface DrainedMachine {
  /** The caller's number for it. */
  readonly id: number;
  readonly unit: UnitOptions;
  /** What is drained: command contexts, each on an SMMU (byte offset of its block in host memory). */
  readonly contexts: readonly { readonly smmu: number; readonly index: number }[];
  /**
   * Ask the guest for an exit when one of its queues needs the host: the VMM shares the
   * vCPU's thread and does nothing meanwhile.
   */
  readonly requestExit: boolean;
  /** How the guest wakes the drain; undefined: not at all. */
  readonly drainSleep: DrainSleepWords | undefined;
}

/** Messages to the worker. The sender raises SIDE_MESSAGES for each, and the worker lowers it when it has taken one. */
export interface DrainApi {
  start(options: DrainOptions): void;
  /** Answers when the drain has thrown in the unit of a machine; that one is not drained any more. */
  nextFailure(): Promise<DrainFailure>;
  add(machine: DrainedMachine): void;
  /** Answers after a last look at the machine's queues. */
  remove(id: number): void;
}

export interface DrainFailure {
  /** The caller's number for the machine. */
  readonly id: number;
  readonly message: string;
}

export interface DrainOptions {
  /** SIDE_WORDS words. */
  readonly control: SharedArrayBuffer;
  /** VMM_WORDS words. */
  readonly vmm: SharedArrayBuffer;
  readonly hostMemory: WebAssembly.Memory;
}

interface Served extends DrainedMachine {
  readonly drain: Unit['drain'];
  readonly guest: Int32Array;
  readonly exitRequest: ExitRequestWords;
  /** Of its contexts the one that the next look begins at. */
  first: number;
}

/** Says in a machine's memory whether the drain sleeps, if its guest looks at that. */
function setSleeping({ guest, drainSleep }: Served, sleeping: boolean): void {
  if (drainSleep) Atomics.store(guest, drainSleep.sleeping >> 2, sleeping ? 1 : 0);
}

/** No vCPU of a machine may store to a direct map before it wakes the drain. */
function isQuiet({ guest, drainSleep }: Served): boolean {
  const { awake } = drainSleep ?? {};
  if (!awake) return false;
  for (let i = 0; i < awake.count; i++)
    if (Atomics.load(guest, (awake.offset + i * awake.stride) >> 2) !== 0) return false;
  return true;
}

/** Looks in one call: enough that the clock is read seldom, few enough that a stop is seen within microseconds. */
const LOOKS = 500;
/** Of several machines the one that had work last gets this many looks for each one of the others. */
const LOOKS_AT_BUSY = 50;
const TURNS = LOOKS / LOOKS_AT_BUSY;
const FIRST_NAP_MS = 0.1;
/**
 * A store that nobody announces is served after at most this, plus what the system's
 * timer and a wake take: 0.1 to 0.3 ms.
 */
const MAX_NAP_MS = 0.6;
/**
 * While no vCPU of its one machine could ring: whoever wakes first wakes the drain. And while all machines are
 * paused, or there is none: then the VMM wakes it.
 */
const QUIET_NAP_MS = 1000;
/** Messages are let in at least this often however busy the queues are. */
const BUSY_LIMIT_MS = 2;

class Drain {
  readonly #control: Int32Array;
  readonly #vmm: Int32Array;
  readonly #host: Int32Array;
  readonly #failed: (failure: DrainFailure) => void;
  #machines: readonly Served[] = [];
  /** The machine that had work last. */
  #busy: Served | undefined;
  /** Machines that were removed, whose memories are to be released once no nap refers to them. */
  #removed = 0;

  constructor({ control, vmm, hostMemory }: DrainOptions, failed: (failure: DrainFailure) => void) {
    this.#control = new Int32Array(control);
    this.#vmm = new Int32Array(vmm);
    this.#host = new Int32Array(hostMemory.buffer, 0, (HOST_AT_ATTENTION_SEEN >> 2) + 1);
    this.#failed = failed;
  }

  add(machine: DrainedMachine): void {
    const unit = new Unit(machine.unit);
    if (!unit.guestMemory) throw new RangeError('a drained machine has guest memory');
    const served: Served = {
      ...machine,
      drain: unit.drain,
      guest: new Int32Array(unit.guestMemory.buffer),
      exitRequest: (machine.requestExit && machine.unit.guest?.exitRequest) || NO_EXIT_REQUEST,
      first: 0,
    };
    this.#machines = [...this.#machines, served];
  }

  remove(id: number): void {
    const machine = this.#machines.find((other) => other.id === id);
    if (!machine) return;
    this.#drop(machine);
    setSleeping(machine, false);
    for (const { smmu, index } of machine.contexts) machine.drain.serveContext(smmu, index);
  }

  #drop(machine: Served): void {
    this.#machines = this.#machines.filter((other) => other !== machine);
    if (this.#busy === machine) this.#busy = undefined;
    this.#removed++;
  }

  /**
   * Looks at one machine's queues, up to the first context that has work: other machines wait for no more
   * than that. True when commands were consumed.
   */
  #look(machine: Served, looks: number): boolean {
    const attention = Atomics.load(this.#host, HOST_AT_ATTENTION >> 2);
    let done = 0;
    try {
      const { contexts } = machine;
      for (let i = 0; i < contexts.length && (done === 0 || done === WATCH_NO_COMMAND); i++) {
        const context = contexts[machine.first];
        machine.first = (machine.first + 1) % contexts.length;
        if (context) done = machine.drain.watch(context.smmu, context.index, looks) >>> 0 || done;
      }
    } catch (error) {
      this.#drop(machine);
      this.#failed({
        id: machine.id,
        message: error instanceof Error ? error.message : String(error),
      });
      return false;
    }
    // What the host has seen since is its own affair: an exit that nobody needs could
    // fall into a batch that is to have none. What is raised is loaded first: the host
    // may have seen more than that by now, and never less. Both wrap.
    const raised = Atomics.load(this.#host, HOST_AT_ATTENTION >> 2);
    const seen = Atomics.load(this.#host, HOST_AT_ATTENTION_SEEN >> 2);
    if (done !== 0 && raised !== attention && ((raised - seen) | 0) > 0) this.#callHost(machine);
    // Work that consumed no command is no reason to stay awake.
    return done !== 0 && done !== WATCH_NO_COMMAND;
  }

  /**
   * Passes on that something needs the host: to the VMM's thread, which may sleep, or
   * through the guest that keeps it.
   */
  #callHost(machine: Served): void {
    // Never taken back here: that could undo another's request. One that comes too late costs one exit.
    requestExit(machine.guest, machine.exitRequest);
    Atomics.add(this.#vmm, VMM_WAKE, 1);
    if (Atomics.load(this.#vmm, VMM_SLEEPING) !== 0) Atomics.notify(this.#vmm, VMM_WAKE);
  }

  /** Every machine in turn. True when commands were consumed. */
  #round(): boolean {
    const machines = this.#machines;
    const [only] = machines;
    if (machines.length === 1 && only) return this.#look(only, LOOKS);
    let found = false;
    for (let turn = 0; turn < TURNS && !found; turn++) {
      const busy = this.#busy;
      for (const machine of machines) {
        if (!this.#look(machine, machine === busy ? LOOKS_AT_BUSY : 1)) continue;
        found = true;
        this.#busy = machine;
      }
    }
    return found;
  }

  get #interrupted(): boolean {
    return (
      Atomics.load(this.#control, SIDE_STOP) !== 0 ||
      Atomics.load(this.#control, SIDE_MESSAGES) !== 0
    );
  }

  /**
   * Serves until there has been nothing to do for a while, or something else wants the
   * thread. True when there was work.
   */
  #spin(): boolean {
    const start = performance.now();
    let last = start;
    let worked = false;
    const spinMs = Atomics.load(this.#control, SIDE_SPIN_MICROSECONDS) / 1000;
    for (
      let now = start;
      now - last < spinMs && now - start < BUSY_LIMIT_MS;
      now = performance.now()
    ) {
      if (this.#interrupted) break;
      if (!this.#round()) continue;
      worked = true;
      last = performance.now();
    }
    return worked;
  }

  /** No vCPU of any machine runs. */
  get #stands(): boolean {
    return Atomics.load(this.#control, SIDE_STANDING) !== 0;
  }

  /**
   * What ends a nap early: the wake of a guest, of the one that had work last if it has one. While none can
   * move it is the VMM's own word, which no guest reaches.
   */
  #sleepWord(stands: boolean): { readonly words: Int32Array; readonly word: number } {
    const machines = this.#busy ? [this.#busy, ...this.#machines] : this.#machines;
    const sleeper = stands ? undefined : machines.find(({ drainSleep }) => drainSleep);
    return sleeper?.drainSleep
      ? { words: sleeper.guest, word: sleeper.drainSleep.wake >> 2 }
      : { words: this.#control, word: SIDE_WAKE };
  }

  /** How long it sleeps at most, behind having said so. Of several machines only one could wake it. */
  #longest(ms: number, stands: boolean): number {
    const [only] = this.#machines;
    // Still: what the VMM does from here on ends the nap, as does a first machine.
    if (!only || (stands && this.#stands)) return QUIET_NAP_MS;
    return this.#machines.length === 1 && isQuiet(only) ? QUIET_NAP_MS : ms;
  }

  /**
   * Says that it sleeps, looks once more (so that a store is seen either here or by a
   * guest that finds the word set), sleeps, and looks again. A thread sleeps on one word:
   * that of the machine which had work last. A store to another's queue waits for the end
   * of the nap, and so does every store of a guest that wakes nobody. True when there was
   * work. Asynchronous for the answers to messages, which go out while it is awaited.
   */
  #nap(ms: number): Promise<boolean> {
    const machines = this.#machines;
    const stands = this.#stands;
    const { words, word } = this.#sleepWord(stands);
    // WAKE first: a ring between the two is then noticed by the sleep.
    const before = Atomics.load(words, word);
    for (const machine of machines) setSleeping(machine, true);
    // Before the last look: that sees what a vCPU has stored before it fell asleep.
    const longest = this.#longest(ms, stands);
    let worked = false;
    for (const machine of machines) worked = this.#look(machine, 1) || worked;
    if (!worked && !this.#interrupted) Atomics.wait(words, word, before, longest);
    for (const machine of this.#machines) {
      setSleeping(machine, false);
      worked = this.#look(machine, 1) || worked;
    }
    Atomics.add(this.#control, SIDE_NAPS, 1);
    return Promise.resolve(worked);
  }

  /** Until the stop word is set. */
  async run(): Promise<void> {
    let nap = FIRST_NAP_MS;
    let awake = true;
    while (Atomics.load(this.#control, SIDE_STOP) === 0) {
      Atomics.add(this.#control, SIDE_ROUNDS, 1);
      const delay = Atomics.load(this.#control, SIDE_DELAY_MS);
      if (delay > 0) Atomics.wait(this.#control, SIDE_STOP, 0, delay);
      if (Atomics.load(this.#control, SIDE_MESSAGES) !== 0) await tick();
      // Only behind work: between two naps there is nothing to spin for.
      if (awake && this.#spin()) continue;
      awake = await this.#nap(nap);
      for (; this.#removed > 0; this.#removed--) releaseMemory();
      nap = awake ? FIRST_NAP_MS : Math.min(2 * nap, MAX_NAP_MS);
    }
  }
}

class DrainWorker implements DrainApi {
  #drain: Drain | undefined;
  #control: Int32Array | undefined;
  readonly #failures: DrainFailure[] = [];
  #report: ((failure: DrainFailure) => void) | undefined;

  start(options: DrainOptions): void {
    this.#control = new Int32Array(options.control);
    const drain = new Drain(options, (failure) => {
      this.#failures.push(failure);
      this.#tell();
    });
    this.#drain = drain;
    this.#taken();
    // Not awaited: it runs until the thread ends, and an error in it ends the thread.
    queueMicrotask(async () => {
      await drain.run();
      endThread();
    });
  }

  nextFailure(): Promise<DrainFailure> {
    this.#taken();
    return new Promise((resolve) => {
      this.#report = resolve;
      this.#tell();
    });
  }

  #tell(): void {
    const report = this.#report;
    const failure = report && this.#failures.shift();
    if (!failure) return;
    this.#report = undefined;
    report(failure);
  }

  add(machine: DrainedMachine): void {
    this.#taken();
    this.#drain?.add(machine);
  }

  remove(id: number): void {
    this.#taken();
    this.#drain?.remove(id);
  }

  #taken(): void {
    if (this.#control) Atomics.sub(this.#control, SIDE_MESSAGES, 1);
  }
}

exposeToParent(new DrainWorker());
