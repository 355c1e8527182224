// SPDX-License-Identifier: MIT
// The mailbox transport: each vCPU in a worker, with its exits served here.

import type { WasmImports } from '../../assembly/load.ts';
import type { UnitOptions } from '../../devices/unit/index.ts';
import type { GuestWindow } from '../../host/kernel/index.ts';
import type { Vcpu, VcpuEntry, VcpuExit, VcpuState } from '../vcpu/index.ts';
import {
  binaryOf,
  exitOf,
  instantiationError,
  type VcpuTransport,
  WasmProgram,
  type WasmVcpuOptions,
} from '../vcpu/wasm/index.ts';
import { bootWithin } from './boot-limit.ts';
import { type ExitServer, SPIN_AFTER_MMIO_MS, SPIN_MS } from './exit-server.ts';
import { MailboxServer, type ServedCall } from './mailbox.ts';
import { program, stopThread, whileServed } from './served-vcpu.ts';
import { type UnitThreads, unitOptions } from './side-core.ts';
import type { Instantiation, RemoteImport, VcpuApi } from './vcpu-worker.ts';
import { WorkerThread } from './worker-thread.ts';

/** Units for guests that ring doorbells: the drain then runs on the vCPU's thread. */
export interface VcpuUnits {
  allocate(): UnitOptions;
  /** The unit's thread has ended. */
  free(unit: UnitOptions): void;
}

/** A unit for each vCPU thread of a guest, with the drain for its doorbells. */
export const unitsFor = (host: UnitThreads, guest: GuestWindow): VcpuUnits => ({
  allocate: () => unitOptions(host, guest, host.allocateThread()),
  free: ({ thread }) => host.freeThread(thread),
});

interface NumberedImports {
  readonly imports: readonly RemoteImport[];
  readonly calls: readonly ServedCall[];
}

function numbered(module: WebAssembly.Module, object: WasmImports): NumberedImports {
  const imports: RemoteImport[] = [];
  const calls: ServedCall[] = [];
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    if (kind !== 'function') continue;
    const call = object[from]?.[name] as ServedCall['call'];
    imports.push({ module: from, name, arity: call.length });
    calls.push({ call, spinMs: name.startsWith('mmio_') ? SPIN_AFTER_MMIO_MS : SPIN_MS });
  }
  return { imports, calls };
}

/**
 * The value of the guest's `vsmmu_abi`.
 * @throws {GuestImageError} when it was not instantiated.
 */
function abiIn(
  { refused, abi }: Instantiation,
  mailbox: MailboxServer,
  { shape }: WasmVcpuOptions,
): number | undefined {
  // For an error at an exit, the guest's thread does not know the reason.
  if (refused !== undefined) throw instantiationError(mailbox.thrown ?? refused, binaryOf(shape));
  return abi;
}

/** The resources of a vCPU's thread. */
interface VcpuThread {
  readonly worker: WorkerThread<VcpuApi>;
  readonly mailbox: MailboxServer;
  readonly exits: ExitServer;
  /** Value of the guest's `vsmmu_abi`. */
  readonly abi: number | undefined;
  /** Frees the unit. The thread has ended. */
  release(): void;
}

class ThreadVcpu implements Vcpu {
  readonly index: number;
  readonly #options: WasmVcpuOptions;
  readonly #thread: VcpuThread;
  readonly #program: WasmProgram;
  /** The instance has run since it was created. */
  #used = false;
  #stopping = false;

  constructor(options: WasmVcpuOptions, thread: VcpuThread) {
    this.index = options.index;
    this.#options = options;
    this.#thread = thread;
    this.#program = new WasmProgram(options.index, options.shape);
    thread.worker.onEnd((reason) => {
      thread.release();
      if (!this.#stopping) options.host.failed(this.index, reason);
    });
  }

  get inGuest(): boolean {
    return !this.#thread.worker.over && this.#thread.mailbox.inGuest;
  }

  get still(): boolean {
    return this.#thread.worker.over || this.#thread.mailbox.still;
  }

  reset(entry: VcpuEntry): void | Promise<void> {
    this.#program.reset(entry);
    // A secondary program has no state: any instance of it is as good as a new one.
    if (this.#program.shape === 'secondary') return undefined;
    return this.#instantiate();
  }

  async #instantiate(): Promise<void> {
    const { worker, mailbox, abi } = this.#thread;
    const instantiate = () => worker.call((vcpu) => vcpu.instantiate());
    this.#options.checkAbi(
      this.#used ? abiIn(await this.#served(instantiate), mailbox, this.#options) : abi,
    );
    this.#used = false;
  }

  async run(budget: number): Promise<VcpuExit> {
    const { worker } = this.#thread;
    const { name, args } = this.#program.next(budget);
    this.#used = true;
    try {
      return this.#program.returned(
        await this.#served(() => worker.call((vcpu) => vcpu.run(name, args))),
      );
    } catch (cause) {
      return exitOf(this.index, cause);
    }
  }

  #served<T>(run: () => Promise<T>): Promise<T> {
    const { mailbox, exits } = this.#thread;
    return whileServed(exits, mailbox, this.#options, run);
  }

  setIrq(asserted: boolean): void {
    if (asserted) this.#thread.mailbox.wake();
  }

  setPaused(paused: boolean): void {
    this.#thread.mailbox.setPaused(paused);
  }

  save(): VcpuState {
    return this.#program.save();
  }

  async restore(state: VcpuState): Promise<void> {
    await this.reset({ argument: 0 });
    this.#program.restore(state);
  }

  async stop(): Promise<void> {
    const { worker, mailbox, release } = this.#thread;
    this.#stopping = true;
    await stopThread(worker, mailbox);
    release();
  }

  /** Ends the thread as a crash would; for tests. */
  kill(): Promise<void> {
    return this.#thread.worker.terminate();
  }
}

export class VcpuThreads implements VcpuTransport {
  readonly #exits: ExitServer;
  readonly #units: VcpuUnits | undefined;
  readonly #url: string | URL | undefined;
  readonly #running = new Set<ThreadVcpu>();

  /**
   * @param units undefined when no guest has to ring a doorbell.
   * @param url place of vcpu-worker.js. Default: next to this file.
   */
  constructor(exits: ExitServer, units?: VcpuUnits, url?: string | URL) {
    this.#exits = exits;
    this.#units = units;
    this.#url = url;
  }

  async start(options: WasmVcpuOptions, signal: AbortSignal): Promise<Vcpu> {
    const { module, memory } = options;
    const { imports, calls } = numbered(module, options.imports);
    const mailbox = new MailboxServer(calls);
    const unit = this.#units?.allocate();
    let held = unit;
    const release = () => {
      if (held) this.#units?.free(held);
      held = undefined;
    };
    let started: WorkerThread<VcpuApi> | undefined;
    try {
      const worker = new WorkerThread<VcpuApi>(program(options.name), this.#url);
      started = worker;
      const boot = {
        module,
        memory,
        imports,
        mailbox: mailbox.buffer,
        vmm: this.#exits.buffer,
        unit,
      };
      const booted = await bootWithin(
        worker.loaded(),
        () =>
          whileServed(this.#exits, mailbox, options, () => worker.call((vcpu) => vcpu.boot(boot))),
        () => worker.terminate(),
        signal,
        binaryOf(options.shape),
      );
      const abi = abiIn(booted, mailbox, options);
      const thread = { worker, mailbox, exits: this.#exits, abi, release };
      const vcpu = new ThreadVcpu(options, thread);
      this.#running.add(vcpu);
      worker.onEnd(() => this.#running.delete(vcpu));
      return vcpu;
    } catch (error) {
      await started?.terminate();
      release();
      throw error;
    }
  }

  /** Ends the threads of all vCPUs as a crash would; for tests. */
  async kill(): Promise<void> {
    await Promise.all([...this.#running].map((vcpu) => vcpu.kill()));
  }
}
