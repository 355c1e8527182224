// SPDX-License-Identifier: MIT
// The VMM's side of the side core: starts the drain's worker, attaches machines to it,
// and replaces a worker that dies. A failure in the unit of one machine only ends that
// machine.

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
  SIDE_STOP,
  SIDE_WORDS,
  VMM_WORDS,
} from './control-block.ts';
import { coreCount } from './core-count.ts';
import type { DrainApi } from './drain-worker.ts';
import { StandingMachines } from './standing-machines.ts';
import { type WorkerProgram, WorkerThread } from './worker-thread.ts';

const PROGRAM: WorkerProgram = {
  name: 'vsmmu drain',
  file: 'drain-worker.js',
  web: () => new Worker(new URL('./drain-worker.js', import.meta.url), { type: 'module' }),
};

/**
 * Time for which the drain spins before it naps: several times the cost of a sleep and a
 * wakeup.
 */
const SPIN_MICROSECONDS = 200;
/**
 * The same when there are fewer cores than threads. A spinning thread has used up its
 * time slice when it is needed; one that is woken gets a core at once.
 */
const SHORT_SPIN_MICROSECONDS = 10;

/** With this many deaths of a drain's thread within DEATHS_MS, its machines fail. */
const MOST_DEATHS = 3;
const DEATHS_MS = 10_000;

/**
 * Faults of a drain's thread. Read when a machine is attached and when a thread starts.
 */
export interface DrainFaults {
  /** Milliseconds that it sleeps before each turn. */
  drainDelay?: number | undefined;
  /**
   * Milliseconds with machines after which the thread is killed; its replacement has the
   * same lifetime.
   */
  drainLifetime?: number | undefined;
}

export interface SideCoreOptions {
  /** Faults to inject. Default: none. */
  readonly faults?: DrainFaults | undefined;
  /**
   * Words that the drain increments and notifies when the host is needed
   * (control-block.ts, VMM_*).
   */
  readonly vmm?: SharedArrayBuffer;
  /** Place of drain-worker.js. Default: next to this file. */
  readonly url?: string | URL | undefined;
}

/** A command context whose guest rings its queues. */
export interface DirectContext {
  /** Byte offset of the SMMU block in host memory. */
  readonly smmuBlock: number;
  readonly context: ContextBlock;
  /** Queues of the direct path. */
  readonly queues: readonly QueueBlock[];
}

/**
 * The hardware of units: its memory, modules, and a block for each thread with a unit.
 */
export interface UnitThreads {
  readonly memory: WebAssembly.Memory;
  readonly modules: HotModules;
  /** @throws {HostError} when there is no block left. */
  allocateThread(): number;
  freeThread(thread: number): void;
}

/**
 * What to drain: a machine, its memory as reached by the hardware, and the queues that
 * its guest rings.
 */
export interface Drainable {
  readonly machine: MachineCore;
  readonly guest: GuestWindow;
  /** Allocates the threads of its units. */
  readonly threads: UnitThreads;
  readonly direct: readonly DirectContext[];
}

/**
 * Options of a unit that reaches a guest's memory and the hardware's, for a separate
 * thread.
 */
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
  /** Machines whose worker has died, until a replacement has them. */
  readonly #waiting = new Map<MachineCore, Drainable>();
  #worker: WorkerThread<DrainApi> | undefined;
  #control = new Int32Array(new SharedArrayBuffer(4 * SIDE_WORDS));
  readonly #standing = new StandingMachines(
    () => this.#control,
    () => [...this.#attached.values()].map(({ machine }) => machine),
  );
  #restarting: Promise<void> | undefined;
  /** Times of workers' deaths, except those killed by faults. */
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

  /**
   * The lifetime starts when the thread has its machines: on a busy computer it might
   * never get them otherwise.
   */
  #limitLifetime(): void {
    const { drainLifetime = 0 } = this.#options.faults ?? {};
    const worker = this.#worker;
    if (drainLifetime <= 0 || !worker) return;
    this.#lifetime = setTimeout(() => {
      this.#killed = true;
      // Code that waits for its end has been notified.
      worker.terminate().catch(() => undefined);
    }, drainLifetime);
    // In Node.js it must not keep a program running; in a browser it is a number.
    if (typeof this.#lifetime === 'object') this.#lifetime.unref();
  }

  /** Number of naps of the drain's current thread. */
  get naps(): number {
    return Atomics.load(this.#control, SIDE_NAPS);
  }

  /** Number of threads that have replaced one that died. */
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

  /** Makes the drain accept a message. */
  #raise(): void {
    Atomics.add(this.#control, SIDE_MESSAGES, 1);
    this.#wake();
  }

  /** Ends its sleep, on whichever word it sleeps. */
  #wake(): void {
    this.#standing.wake();
    for (const { machine, guest } of this.#attached.values())
      if (machine.drainSleep) wakeDrain(new Int32Array(guest.memory.buffer), machine.drainSleep);
  }

  /**
   * Drains a machine's VCMDQs from now on: its guest rings no more doorbells.
   * @throws {HostError} when the host has no thread block left.
   */
  async attach(target: Drainable): Promise<void> {
    await this.#restarting;
    try {
      await this.#add(target);
    } catch (error) {
      // The thread has died in the meantime: its replacement serves this machine too.
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
    this.#standing.watch(machine);
    const contexts = direct.map(({ smmuBlock, context }) => ({
      smmu: smmuBlock,
      index: context.index,
    }));
    this.#chooseSpin();
    const { drainDelay = 0 } = this.#options.faults ?? {};
    Atomics.store(this.#control, SIDE_DELAY_MS, drainDelay);
    try {
      // With the inline transport the guest occupies the VMM's thread, so it has to be
      // requested to exit.
      const { inline: requestExit, drainSleep } = machine;
      await this.#send((drain) => drain.add({ id, unit, contexts, requestExit, drainSleep }));
    } catch (error) {
      this.#release(id);
      throw error;
    }
    machine.setDoorbells(false);
  }

  /**
   * Lets a machine's guest ring its doorbells again. No effect on one that is not
   * attached.
   */
  async detach(machine: MachineCore): Promise<void> {
    await this.#restarting;
    for (const [id, attached] of this.#attached) {
      if (attached.machine !== machine) continue;
      // First, so that a store either rings or is seen by the drain's last check.
      machine.setDoorbells(true);
      try {
        await this.#send((drain) => drain.remove(id));
      } catch (error) {
        if (this.#attached.has(id)) throw error;
        // The thread has died in the meantime; its replacement may have the machine.
        await this.detach(machine);
        return;
      }
      this.#release(id);
    }
    this.#waiting.delete(machine);
  }

  /**
   * The number of threads that work in parallel: the drain's, and those of the machine
   * with the most.
   */
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
    this.#standing.tell();
  }

  /**
   * Listens for failures of single machines; the end of the thread is handled by
   * `#ended`.
   */
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

  /**
   * Detaches the machines from a thread that has ended: their guests ring again, and what
   * they have stored in the meantime is served.
   */
  #detachAll(): readonly Drainable[] {
    const targets = [...this.#attached];
    for (const [, { machine }] of targets) machine.setDoorbells(true);
    // Their thread blocks are reaped before another thread serves their queues.
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
    for (const target of this.#detachAll()) this.#waiting.set(target.machine, target);
    this.#restarting ??= this.#restart(reason).finally(() => {
      this.#restarting = undefined;
    });
  }

  /**
   * Starts a worker for the waiting machines and future ones. Machines that cannot be
   * served any more fail.
   */
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

  /** Ends the thread. Machines that are still attached ring their doorbells again. */
  async stop(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    await this.#restarting;
    clearTimeout(this.#lifetime);
    for (const { machine } of this.#attached.values()) machine.setDoorbells(true);
    Atomics.store(this.#control, SIDE_STOP, 1);
    this.#wake();
    await this.#worker?.join();
    this.#detachAll();
  }

  /** Ends the thread as a crash would, without asking it; for tests. */
  async kill(): Promise<void> {
    await this.#worker?.terminate();
  }
}
