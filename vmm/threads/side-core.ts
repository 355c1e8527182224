// SPDX-License-Identifier: MIT
// The VMM's half of the side core: starts the drain's worker, gives it machines, and puts another one in the place of a worker that dies. What
// fails in the unit of one machine takes down that machine only.

import type { Remote } from 'comlink';
import type { HotModules } from '../../assembly/load.ts';
import type { ContextBlock, QueueBlock, UnitOptions } from '../../devices/unit/index.ts';
import type { GuestWindow } from '../../host/kernel/index.ts';
import type { MachineCore } from '../machine/index.ts';
import { wakeDrain } from '../vcpu/index.ts';
import {
  SIDE_DELAY_MS,
  SIDE_MESSAGES,
  SIDE_NAPS,
  SIDE_SPIN_MICROSECONDS,
  SIDE_STANDING,
  SIDE_STOP,
  SIDE_WAKE,
  SIDE_WORDS,
  VMM_WORDS,
} from './control-block.ts';
import { coreCount } from './core-count.ts';
import type { DrainApi } from './drain-worker.ts';
import { type WorkerProgram, WorkerThread } from './worker-thread.ts';

const PROGRAM: WorkerProgram = {
  name: 'vsmmu drain',
  file: 'drain-worker.js',
  web: () => new Worker(new URL('./drain-worker.js', import.meta.url), { type: 'module' }),
};

/** How long the drain spins before it naps: several times what a sleep and a wake cost. */
const SPIN_MICROSECONDS = 200;
/**
 * The same where not every thread has a core of its own. A thread that spins has used up
 * its share when it is needed; one that is woken gets a core at once.
 */
const SHORT_SPIN_MICROSECONDS = 10;

/** So many deaths of a drain's thread within DEATHS_MS are no accident: its machines fail then. */
const MOST_DEATHS = 3;
const DEATHS_MS = 10_000;

/** What goes wrong with a drain's thread. Taken when a machine is attached and when a thread starts. */
export interface DrainFaults {
  /** Milliseconds that it sleeps before each turn. */
  drainDelay?: number | undefined;
  /** Milliseconds with its machines after which it is killed; the one that takes its place lives as long. */
  drainLifetime?: number | undefined;
}

export interface SideCoreOptions {
  /** What goes wrong. Default: nothing. */
  readonly faults?: DrainFaults | undefined;
  /** Words that the drain raises and notifies when something needs the host (control-block.ts, VMM_*). */
  readonly vmm?: SharedArrayBuffer;
  /** Where drain-worker.js lies. Default: beside this file. */
  readonly url?: string | URL | undefined;
}

/** A command context whose queues their guest rings. */
export interface DirectContext {
  /** Byte offset of the SMMU block in host memory. */
  readonly smmuBlock: number;
  readonly context: ContextBlock;
  /** Queues of the direct path. */
  readonly queues: readonly QueueBlock[];
}

/** The hardware that units work: its memory, modules, and a block for each thread that has a unit. */
export interface UnitThreads {
  readonly memory: WebAssembly.Memory;
  readonly modules: HotModules;
  /** @throws {HostError} when all blocks are taken. */
  allocateThread(): number;
  freeThread(thread: number): void;
}

/** What is drained: a machine, its memory as the hardware reaches it, and what its guest rings. */
export interface Drainable {
  readonly machine: MachineCore;
  readonly guest: GuestWindow;
  /** Where units for it are made. */
  readonly threads: UnitThreads;
  readonly direct: readonly DirectContext[];
}

/** A unit that reaches a guest's memory and the hardware's, for a thread of its own. */
export function unitOptions(
  { modules, memory: hostMemory }: UnitThreads,
  { memory, regions, window, exitRequest, isPhysical }: GuestWindow,
  thread: number,
): UnitOptions {
  return {
    modules,
    hostMemory,
    guest: { memory, regions, window, exitRequest, isPhysical },
    thread,
  };
}

interface Attached extends Drainable {
  readonly thread: number;
}

export class SideCore {
  readonly #host: UnitThreads;
  readonly #options: SideCoreOptions;
  readonly #cores: number;
  readonly #attached = new Map<number, Attached>();
  /** Machines that are paused and stand. */
  readonly #standing = new WeakSet<MachineCore>();
  /** Machines whose worker has died, until another one has them. */
  readonly #waiting = new Map<MachineCore, Drainable>();
  #worker: WorkerThread<DrainApi> | undefined;
  #control = new Int32Array(new SharedArrayBuffer(4 * SIDE_WORDS));
  #restarting: Promise<void> | undefined;
  /** When workers have died, those that faults have killed aside. */
  #deaths: number[] = [];
  #restarts = 0;
  #lifetime: ReturnType<typeof setTimeout> | undefined;
  #killed = false;
  #nextId = 0;
  #stopping = false;

  static async start(host: UnitThreads, options: SideCoreOptions = {}): Promise<SideCore> {
    const side = new SideCore(host, options, coreCount());
    await side.#startWorker();
    side.#limitLifetime();
    return side;
  }

  private constructor(host: UnitThreads, options: SideCoreOptions, cores: number) {
    this.#cores = cores;
    this.#host = host;
    this.#options = options;
  }

  async #startWorker(): Promise<void> {
    const { vmm = new SharedArrayBuffer(4 * VMM_WORDS), url } = this.#options;
    const control = new SharedArrayBuffer(4 * SIDE_WORDS);
    const worker = new WorkerThread<DrainApi>(PROGRAM, url);
    this.#worker = worker;
    this.#control = new Int32Array(control);
    this.#killed = false;
    try {
      await worker.loaded();
      await this.#send((drain) => drain.start({ control, vmm, hostMemory: this.#host.memory }));
    } catch (error) {
      await worker.terminate();
      throw error;
    }
    worker.onEnd((reason) => this.#ended(reason));
    this.#listen(worker);
  }

  /** The fault begins when the thread has its machines: on a busy computer it would never have them else. */
  #limitLifetime(): void {
    const { drainLifetime = 0 } = this.#options.faults ?? {};
    const worker = this.#worker;
    if (drainLifetime <= 0 || !worker) return;
    this.#lifetime = setTimeout(() => {
      this.#killed = true;
      // Whoever waits for its end has been told.
      worker.terminate().catch(() => undefined);
    }, drainLifetime);
    // In Node.js it keeps no program running; in a browser it is a number.
    if (typeof this.#lifetime === 'object') this.#lifetime.unref();
  }

  /** Naps of the drain so far, of its present thread. */
  get naps(): number {
    return Atomics.load(this.#control, SIDE_NAPS);
  }

  /** Threads that have taken the place of one that died. */
  get restarts(): number {
    return this.#restarts;
  }

  get machines(): readonly MachineCore[] {
    return [...this.#attached.values(), ...this.#waiting.values()].map(({ machine }) => machine);
  }

  #send<T>(use: (drain: Remote<DrainApi>) => Promise<T>): Promise<T> {
    if (!this.#worker) return Promise.reject(new Error('its thread has not started'));
    this.#raise();
    return this.#worker.call(use);
  }

  /** Has the drain let a message in. */
  #raise(): void {
    Atomics.add(this.#control, SIDE_MESSAGES, 1);
    this.#wake();
  }

  /** Ends its sleep while no machine can move. It stores nothing in any guest's memory. */
  #wakeStanding(): void {
    Atomics.add(this.#control, SIDE_WAKE, 1);
    Atomics.notify(this.#control, SIDE_WAKE);
  }

  /** Ends its sleep, on whichever word it sleeps. */
  #wake(): void {
    this.#wakeStanding();
    for (const { machine, guest } of this.#attached.values())
      if (machine.drainSleep) wakeDrain(new Int32Array(guest.memory.buffer), machine.drainSleep);
  }

  /** Tells the drain whether any of its machines can move. It sleeps for longer when none can. */
  #tellStanding(): void {
    const machines = [...this.#attached.values()].map(({ machine }) => machine);
    const stand = machines.every((machine) => this.#standing.has(machine));
    const before = Atomics.exchange(this.#control, SIDE_STANDING, stand ? 1 : 0);
    if (before !== 0 && !stand) this.#wakeStanding();
  }

  /** Follows a machine that is paused and goes on; one that has just come may be anything. */
  #watch(machine: MachineCore): void {
    machine.onStanding = (stands) => {
      if (stands) this.#standing.add(machine);
      else this.#standing.delete(machine);
      this.#tellStanding();
    };
  }

  /**
   * Drains a machine's VCMDQs from now on: its guest rings no doorbells any more.
   * @throws {HostError} when the host has no thread block left.
   */
  async attach(target: Drainable): Promise<void> {
    await this.#restarting;
    try {
      await this.#add(target);
    } catch (error) {
      // The thread has died meanwhile: the next one takes this machine with the others.
      if (!this.#waiting.has(target.machine)) throw error;
      await this.#restarting;
    }
  }

  async #add(target: Drainable): Promise<void> {
    const thread = this.#host.allocateThread();
    const id = this.#nextId++;
    const { machine, guest, direct } = target;
    const unit = unitOptions(this.#host, guest, thread);
    this.#attached.set(id, { ...target, thread });
    this.#watch(machine);
    this.#tellStanding();
    const contexts = direct.map(({ smmuBlock, context }) => ({
      smmu: smmuBlock,
      index: context.index,
    }));
    this.#chooseSpin();
    const { drainDelay = 0 } = this.#options.faults ?? {};
    Atomics.store(this.#control, SIDE_DELAY_MS, drainDelay);
    try {
      // Inline, the guest keeps the VMM's thread to itself and has to be asked for an exit.
      const { inline: requestExit, drainSleep } = machine;
      await this.#send((drain) => drain.add({ id, unit, contexts, requestExit, drainSleep }));
    } catch (error) {
      this.#release(id);
      throw error;
    }
    machine.setDoorbells(false);
  }

  /** Gives a machine back to its guest's doorbells. One that is not attached is left alone. */
  async detach(machine: MachineCore): Promise<void> {
    await this.#restarting;
    for (const [id, attached] of this.#attached) {
      if (attached.machine !== machine) continue;
      // First, so that a store either rings or is seen by the drain's last look.
      machine.setDoorbells(true);
      try {
        await this.#send((drain) => drain.remove(id));
      } catch (error) {
        if (this.#attached.has(id)) throw error;
        // The thread has died meanwhile; the next one may have the machine.
        await this.detach(machine);
        return;
      }
      this.#release(id);
    }
    this.#waiting.delete(machine);
  }

  /** Threads that work at once: the drain's, and those of the machine that has most. */
  #chooseSpin(): void {
    const threads = 1 + Math.max(0, ...this.machines.map((machine) => machine.threads));
    Atomics.store(
      this.#control,
      SIDE_SPIN_MICROSECONDS,
      threads <= this.#cores ? SPIN_MICROSECONDS : SHORT_SPIN_MICROSECONDS,
    );
  }

  #release(id: number): void {
    const attached = this.#attached.get(id);
    if (!attached || !this.#attached.delete(id)) return;
    this.#host.freeThread(attached.thread);
    this.#tellStanding();
  }

  /** For failures of single machines, one after the other; `#ended` sees to the end of the thread. */
  #listen(worker: WorkerThread<DrainApi>): void {
    this.#raise();
    worker
      .listen((drain) => drain.nextFailure())
      .then(
        ({ id, message }) => {
          this.#listen(worker);
          const attached = this.#attached.get(id);
          this.#release(id);
          attached?.machine.fail('drain', new Error(message));
        },
        () => undefined,
      );
  }

  /** Takes the machines back from a thread that has ended: their guests ring again, and what they have stored meanwhile is served. */
  #takeBack(): readonly Drainable[] {
    const targets = [...this.#attached];
    for (const [, { machine }] of targets) machine.setDoorbells(true);
    // Their thread blocks are reaped before anybody else works on their queues.
    for (const [id] of targets) this.#release(id);
    for (const [, { guest, direct }] of targets)
      for (const { smmuBlock, context } of direct)
        guest.unit.drain.serveContext(smmuBlock, context.index);
    return targets.map(([, target]) => target);
  }

  #ended(reason: Error): void {
    clearTimeout(this.#lifetime);
    if (this.#stopping) return;
    if (!this.#killed) this.#deaths.push(performance.now());
    for (const target of this.#takeBack()) this.#waiting.set(target.machine, target);
    this.#restarting ??= this.#restart(reason).finally(() => {
      this.#restarting = undefined;
    });
  }

  /** Starts a worker for the machines that wait, and those to come. Those that cannot be served any more fail. */
  async #restart(reason: Error): Promise<void> {
    let cause: unknown = reason;
    while (!this.#stopping && (this.#waiting.size > 0 || this.#worker?.over)) {
      this.#deaths = this.#deaths.filter((at) => performance.now() - at < DEATHS_MS);
      if (this.#deaths.length > MOST_DEATHS) {
        for (const machine of this.#waiting.keys()) machine.fail('drain', cause);
        this.#waiting.clear();
        return;
      }
      try {
        this.#restarts++;
        await this.#startWorker();
        for (const [machine, target] of this.#waiting) {
          await this.#add(target);
          this.#waiting.delete(machine);
        }
        this.#limitLifetime();
      } catch (error) {
        cause = error;
        this.#deaths.push(performance.now());
      }
    }
  }

  /** Ends the thread. Machines that are still attached get their doorbells back. */
  async stop(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    await this.#restarting;
    clearTimeout(this.#lifetime);
    for (const { machine } of this.#attached.values()) machine.setDoorbells(true);
    Atomics.store(this.#control, SIDE_STOP, 1);
    this.#wake();
    await this.#worker?.join();
    this.#takeBack();
  }

  /** Ends the thread as a crash would, without asking it; for tests of what happens then. */
  async kill(): Promise<void> {
    await this.#worker?.terminate();
  }
}
