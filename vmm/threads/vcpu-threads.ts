// The mailbox transport: each vCPU in a worker, its exits served here.

import type { UnitOptions } from '../../devices/unit/index.ts';
import type { RemoteVcpu, RemoteVcpuOptions, VcpuTransport } from '../vcpu/index.ts';
import { type ExitServer, type ServedVcpu, SPIN_AFTER_MMIO_MS, SPIN_MS } from './exit-server.ts';
import { MailboxServer, type ServedCall } from './mailbox.ts';
import type { RemoteImport, VcpuApi } from './vcpu-worker.ts';
import { programAt, type WorkerProgram, WorkerThread } from './worker-thread.ts';

function program(name: string): WorkerProgram {
  return {
    name,
    url: new URL('./vcpu-worker.js', import.meta.url),
    web: () => new Worker(new URL('./vcpu-worker.js', import.meta.url), { type: 'module' }),
  };
}

/** Units for guests that ring doorbells: the drain then runs on the vCPU's thread. */
export interface VcpuUnits {
  allocate(): UnitOptions;
  /** The unit's thread has ended. */
  free(unit: UnitOptions): void;
}

interface NumberedImports {
  readonly imports: readonly RemoteImport[];
  readonly calls: readonly ServedCall[];
}

function numbered(module: WebAssembly.Module, object: WebAssembly.Imports): NumberedImports {
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

class ThreadVcpu implements RemoteVcpu {
  readonly abi: number | undefined;
  readonly #worker: WorkerThread<VcpuApi>;
  readonly #mailbox: MailboxServer;
  readonly #attend: () => void;
  readonly #exits: ExitServer;
  readonly #release: () => void;
  #stopping = false;

  constructor(
    abi: number | undefined,
    worker: WorkerThread<VcpuApi>,
    mailbox: MailboxServer,
    exits: ExitServer,
    options: RemoteVcpuOptions,
    release: () => void,
  ) {
    this.abi = abi;
    this.#worker = worker;
    this.#mailbox = mailbox;
    this.#exits = exits;
    this.#release = release;
    this.#attend = () => options.attend();
    worker.onEnd((reason) => {
      release();
      if (!this.#stopping) options.onEnd(reason);
    });
  }

  get inGuest(): boolean {
    return !this.#worker.over && this.#mailbox.inGuest;
  }

  get still(): boolean {
    return this.#worker.over || this.#mailbox.still;
  }

  async run(name: string, ...args: number[]): Promise<number | undefined> {
    // One registration a run: a guest sees that a secondary vCPU is done, and starts it again, before the answer of the run before is here.
    const served: ServedVcpu = { mailbox: this.#mailbox, attend: this.#attend };
    this.#exits.add(served);
    try {
      return await this.#worker.call((vcpu) => vcpu.run(name, args));
    } finally {
      this.#exits.remove(served);
    }
  }

  setPaused(paused: boolean): void {
    this.#mailbox.setPaused(paused);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#mailbox.setStopped();
    if (this.#worker.over) return;
    // Taken when the guest has left; whoever does not leave is terminated. The answer is the end of the thread.
    const asked = this.#worker.call((vcpu) => vcpu.end()).catch(() => undefined);
    await this.#worker.join();
    await asked;
    this.#release();
  }

  /** Ends the thread as a crash would; for tests of what happens then. */
  kill(): Promise<void> {
    return this.#worker.terminate();
  }
}

export class VcpuThreads implements VcpuTransport {
  readonly #exits: ExitServer;
  readonly #units: VcpuUnits | undefined;
  readonly #url: string | URL | undefined;
  readonly #running = new Set<ThreadVcpu>();

  /**
   * @param units undefined when no guest has to ring a doorbell.
   * @param url where vcpu-worker.js lies. Default: beside this file.
   */
  constructor(exits: ExitServer, units?: VcpuUnits, url?: string | URL) {
    this.#exits = exits;
    this.#units = units;
    this.#url = url;
  }

  async start(options: RemoteVcpuOptions): Promise<RemoteVcpu> {
    const { module, memory } = options;
    const { imports, calls } = numbered(module, options.imports);
    const mailbox = new MailboxServer(calls);
    const unit = this.#units?.allocate();
    let held = unit;
    const release = () => {
      if (held) this.#units?.free(held);
      held = undefined;
    };
    let worker: WorkerThread<VcpuApi> | undefined;
    try {
      worker = await WorkerThread.start<VcpuApi>(programAt(program(options.name), this.#url));
      const boot = {
        module,
        memory,
        imports,
        mailbox: mailbox.buffer,
        vmm: this.#exits.buffer,
        unit,
      };
      const abi = await worker.call((vcpu) => vcpu.boot(boot));
      const vcpu = new ThreadVcpu(abi, worker, mailbox, this.#exits, options, release);
      this.#running.add(vcpu);
      worker.onEnd(() => this.#running.delete(vcpu));
      return vcpu;
    } catch (error) {
      await worker?.terminate();
      release();
      throw error;
    }
  }

  /** Ends the threads of all vCPUs as a crash would; for tests of what happens then. */
  async kill(): Promise<void> {
    await Promise.all([...this.#running].map((vcpu) => vcpu.kill()));
  }
}
