// The VMM's half of the side core: starts the drain's worker, gives it machines, and sees to it that a drain that fails takes down no more
// than the machines that it served.

import type { Remote } from 'comlink';
import type { HotModules } from '../../assembly/load.ts';
import type { ContextBlock, QueueBlock, UnitOptions } from '../../devices/unit/index.ts';
import type { GuestWindow } from '../../host/kernel/index.ts';
import type { MachineCore } from '../machine/index.ts';
import {
  SIDE_MESSAGES,
  SIDE_NAPS,
  SIDE_SPIN_MICROSECONDS,
  SIDE_STOP,
  SIDE_WORDS,
  VMM_WORDS,
} from './control-block.ts';
import { coreCount } from './core-count.ts';
import type { DrainApi } from './drain-worker.ts';
import { programAt, type WorkerProgram, WorkerThread } from './worker-thread.ts';

const PROGRAM: WorkerProgram = {
  name: 'vsmmu drain',
  url: new URL('./drain-worker.js', import.meta.url),
  web: () => new Worker(new URL('./drain-worker.js', import.meta.url), { type: 'module' }),
};

/** How long the drain spins before it naps: several times what a sleep and a wake cost. */
const SPIN_MICROSECONDS = 200;
/**
 * The same where not every thread has a core of its own. A thread that spins has used up its share when it is needed; one that is woken gets a
 * core at once.
 */
const SHORT_SPIN_MICROSECONDS = 10;

export interface SideCoreOptions {
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
  { memory, regions, window }: GuestWindow,
  thread: number,
): UnitOptions {
  return { modules, hostMemory, guest: { memory, regions, window }, thread };
}

interface Attached extends Drainable {
  readonly thread: number;
}

export class SideCore {
  readonly #host: UnitThreads;
  readonly #worker: WorkerThread<DrainApi>;
  readonly #control: Int32Array;
  readonly #cores: number;
  readonly #attached = new Map<number, Attached>();
  #nextId = 0;
  #stopping = false;

  static async start(host: UnitThreads, options: SideCoreOptions = {}): Promise<SideCore> {
    const { vmm = new SharedArrayBuffer(4 * VMM_WORDS) } = options;
    const control = new SharedArrayBuffer(4 * SIDE_WORDS);
    const worker = await WorkerThread.start<DrainApi>(programAt(PROGRAM, options.url));
    const side = new SideCore(host, worker, new Int32Array(control), await coreCount());
    try {
      await side.#send((drain) => drain.start({ control, vmm, hostMemory: host.memory }));
    } catch (error) {
      await worker.terminate();
      throw error;
    }
    side.#listen();
    return side;
  }

  private constructor(
    host: UnitThreads,
    worker: WorkerThread<DrainApi>,
    control: Int32Array,
    cores: number,
  ) {
    this.#cores = cores;
    this.#host = host;
    this.#worker = worker;
    this.#control = control;
    worker.onEnd((reason) => this.#ended(reason));
  }

  /** Naps of the drain so far. */
  get naps(): number {
    return Atomics.load(this.#control, SIDE_NAPS);
  }

  get machines(): readonly MachineCore[] {
    return [...this.#attached.values()].map(({ machine }) => machine);
  }

  #send<T>(use: (drain: Remote<DrainApi>) => Promise<T>): Promise<T> {
    this.#raise();
    return this.#worker.call(use);
  }

  /** Has the drain let a message in. */
  #raise(): void {
    Atomics.add(this.#control, SIDE_MESSAGES, 1);
    Atomics.notify(this.#control, SIDE_MESSAGES);
  }

  /**
   * Drains a machine's VCMDQs from now on: its guest rings no doorbells any more.
   * @throws {HostError} when the host has no thread block left.
   */
  async attach(target: Drainable): Promise<void> {
    const thread = this.#host.allocateThread();
    const id = this.#nextId++;
    const { machine, guest, direct } = target;
    const unit = unitOptions(this.#host, guest, thread);
    this.#attached.set(id, { ...target, thread });
    const contexts = direct.map(({ smmuBlock, context }) => ({
      smmu: smmuBlock,
      index: context.index,
    }));
    this.#chooseSpin();
    try {
      // Inline, the guest keeps the VMM's thread to itself and has to be asked for an exit.
      await this.#send((drain) => drain.add({ id, unit, contexts, requestExit: machine.inline }));
    } catch (error) {
      this.#release(id);
      throw error;
    }
    machine.setDoorbells(false);
  }

  /** Gives a machine back to its guest's doorbells. One that is not attached is left alone. */
  async detach(machine: MachineCore): Promise<void> {
    for (const [id, attached] of this.#attached) {
      if (attached.machine !== machine) continue;
      // First, so that a store either rings or is seen by the drain's last look.
      machine.setDoorbells(true);
      await this.#send((drain) => drain.remove(id));
      this.#release(id);
    }
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
    if (attached && this.#attached.delete(id)) this.#host.freeThread(attached.thread);
  }

  /** For failures of single machines, one after the other; the end of the thread is `#ended`'s affair. */
  #listen(): void {
    this.#raise();
    this.#worker
      .listen((drain) => drain.nextFailure())
      .then(
        ({ id, message }) => {
          this.#listen();
          this.#machineFailed(id, new Error(message));
        },
        () => undefined,
      );
  }

  #machineFailed(id: number, cause: Error): void {
    const attached = this.#attached.get(id);
    this.#release(id);
    attached?.machine.fail('drain', cause);
  }

  #ended(reason: Error): void {
    if (this.#stopping) return;
    for (const id of [...this.#attached.keys()]) this.#machineFailed(id, reason);
  }

  /** Ends the thread. Machines that are still attached get their doorbells back. */
  async stop(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    for (const { machine } of this.#attached.values()) machine.setDoorbells(true);
    Atomics.store(this.#control, SIDE_STOP, 1);
    Atomics.notify(this.#control, SIDE_MESSAGES);
    await this.#worker.join();
    for (const [id, { guest, direct }] of [...this.#attached]) {
      this.#release(id);
      for (const { smmuBlock, context } of direct)
        guest.unit.drain.serveContext(smmuBlock, context.index);
    }
  }

  /** Ends the thread as a crash would, without asking it; for tests of what happens then. */
  async kill(): Promise<void> {
    await this.#worker.terminate();
  }
}
