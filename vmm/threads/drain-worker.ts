// SPDX-License-Identifier: MIT
// The side core: a worker that drains the VCMDQs of its machines. The loop checks the
// queues in turn, each machine through its own unit. Without work it spins for a while,
// then naps, longer each time up to MAX_NAP_MS: a store of PROD without a wake is served
// within a millisecond, for some hundredths of a core while nothing happens
// (docs/internals/performance.md).

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
  /**
   * What to drain: command contexts, each on an SMMU (byte offset of its block in host
   * memory).
   */
  readonly contexts: readonly { readonly smmu: number; readonly index: number }[];
  /**
   * Request an exit of the guest when one of its queues needs the host: the VMM shares
   * the vCPU's thread and cannot do anything else.
   */
  readonly requestExit: boolean;
  /** How the guest wakes the drain; undefined: not at all. */
  readonly drainSleep: DrainSleepWords | undefined;
}

/**
 * Messages to the worker. The sender increments SIDE_MESSAGES for each, and the worker
 * decrements it when it has accepted one.
 */
export interface DrainApi {
  start(options: DrainOptions): void;
  /**
   * Resolves when the drain has thrown in the unit of a machine; that machine is not
   * drained any more.
   */
  nextFailure(): Promise<DrainFailure>;
  add(machine: DrainedMachine): void;
  /** Resolves after a last check of the machine's queues. */
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
  /** Index of the context with which the next check begins. */
  first: number;
}

/** Sets in a machine's memory whether the drain sleeps, if its guest reads that. */
function setSleeping({ guest, drainSleep }: Served, sleeping: boolean): void {
  if (drainSleep) Atomics.store(guest, drainSleep.sleeping >> 2, sleeping ? 1 : 0);
}

/**
 * True when no vCPU of a machine can store to a direct map without waking the drain
 * before.
 */
function isQuiet({ guest, drainSleep }: Served): boolean {
  const { awake } = drainSleep ?? {};
  if (!awake) return false;
  for (let i = 0; i < awake.count; i++)
    if (Atomics.load(guest, (awake.offset + i * awake.stride) >> 2) !== 0) return false;
  return true;
}

/**
 * Checks per call: enough that the clock is seldom read, few enough that a stop is seen
 * within microseconds.
 */
const LOOKS = 500;
/**
 * With several machines, the one that had work last gets this many checks for each check
 * of the others.
 */
const LOOKS_AT_BUSY = 50;
const TURNS = LOOKS / LOOKS_AT_BUSY;
const FIRST_NAP_MS = 0.1;
/**
 * A store without a wake is served after at most this time, plus the delay of the
 * system's timer and of waking: 0.1 to 0.3 ms.
 */
const MAX_NAP_MS = 0.6;
/**
 * While no vCPU of its one machine can ring: a vCPU that wakes wakes the drain first.
 * Also while all machines are paused, or there are none: then the VMM wakes it.
 */
const QUIET_NAP_MS = 1000;
/** Messages are accepted at least this often, even if the queues are busy. */
const BUSY_LIMIT_MS = 2;

class Drain {
  readonly #control: Int32Array;
  readonly #vmm: Int32Array;
  readonly #host: Int32Array;
  readonly #failed: (failure: DrainFailure) => void;
  #machines: readonly Served[] = [];
  /** The machine that had work last. */
  #busy: Served | undefined;
  /**
   * Number of removed machines, whose memories are to be released when no nap refers to
   * them any more.
   */
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
   * Checks one machine's queues, up to the first context with work, so that other
   * machines wait no longer than that. True when commands were consumed.
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
    // Only requests that the host has not seen yet count: an unnecessary exit could be in
    // a batch that should have none. The raised count is loaded first: the host may have
    // seen more by then, but never less. Both wrap.
    const raised = Atomics.load(this.#host, HOST_AT_ATTENTION >> 2);
    const seen = Atomics.load(this.#host, HOST_AT_ATTENTION_SEEN >> 2);
    if (done !== 0 && raised !== attention && ((raised - seen) | 0) > 0) this.#callHost(machine);
    // Work that consumed no command is no reason to stay awake.
    return done !== 0 && done !== WATCH_NO_COMMAND;
  }

  /**
   * Passes on that the host is needed: to the VMM's thread, which may sleep, or through
   * the guest that occupies it.
   */
  #callHost(machine: Served): void {
    // Never cleared here, which could clear another request. A request that is too late
    // costs one exit.
    requestExit(machine.guest, machine.exitRequest);
    Atomics.add(this.#vmm, VMM_WAKE, 1);
    if (Atomics.load(this.#vmm, VMM_SLEEPING) !== 0) Atomics.notify(this.#vmm, VMM_WAKE);
  }

  /** Serves every machine in turn. True when commands were consumed. */
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
   * Serves until there was no work for a while, or something else needs the thread. True
   * when there was work.
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
   * The word that ends a nap early: the wake word of a guest (of the machine that had
   * work last, if it has one), or the messages. While no machine runs it is the VMM's own
   * word, which no guest reaches.
   */
  #sleepWord(stands: boolean): { readonly words: Int32Array; readonly word: number } {
    const machines = this.#busy ? [this.#busy, ...this.#machines] : this.#machines;
    const sleeper = stands ? undefined : machines.find(({ drainSleep }) => drainSleep);
    return sleeper?.drainSleep
      ? { words: sleeper.guest, word: sleeper.drainSleep.wake >> 2 }
      : { words: this.#control, word: SIDE_WAKE };
  }

  /**
   * Maximum time of a nap that has been announced. With several machines only one could
   * wake the drain.
   */
  #longest(ms: number, stands: boolean): number {
    const [only] = this.#machines;
    // Still: what the VMM does from here on ends the nap, as does a first machine.
    if (!only || (stands && this.#stands)) return QUIET_NAP_MS;
    return this.#machines.length === 1 && isQuiet(only) ? QUIET_NAP_MS : ms;
  }

  /**
   * Announces a nap, checks once more (so that a store is seen either here or by a guest
   * that finds the word set), sleeps, and checks again. A thread sleeps on one word, that
   * of the machine that had work last. A store to another machine's queue waits for the
   * end of the nap, and so does every store of a guest that does not wake the drain. True
   * when there was work. Asynchronous for the answers to messages, which are sent while
   * it is awaited.
   */
  #nap(ms: number): Promise<boolean> {
    const machines = this.#machines;
    const stands = this.#stands;
    const { words, word } = this.#sleepWord(stands);
    // WAKE first: a ring between the two is then noticed by the sleep.
    const before = Atomics.load(words, word);
    for (const machine of machines) setSleeping(machine, true);
    // Before the last check, which sees what a vCPU has stored before it fell asleep.
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

  /** Runs until the stop word is set. */
  async run(): Promise<void> {
    let nap = FIRST_NAP_MS;
    let awake = true;
    while (Atomics.load(this.#control, SIDE_STOP) === 0) {
      Atomics.add(this.#control, SIDE_ROUNDS, 1);
      const delay = Atomics.load(this.#control, SIDE_DELAY_MS);
      if (delay > 0) Atomics.wait(this.#control, SIDE_STOP, 0, delay);
      if (Atomics.load(this.#control, SIDE_MESSAGES) !== 0) await tick();
      // Only after work: between two naps there is nothing to spin for.
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
      // The answer to this call goes first: the drain may sleep for long at once.
      await tick();
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
