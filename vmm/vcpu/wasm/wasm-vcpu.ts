// SPDX-License-Identifier: MIT
// A Wasm vCPU on the caller's thread, and the interface of transports that run it
// elsewhere.

import type { WasmImports } from '../../../assembly/load.ts';
import type { Vcpu, VcpuEntry, VcpuExit, VcpuHost, VcpuState } from '../vcpu.ts';
import { binaryOf, instantiationError } from './guest-errors.ts';
import { abiOf } from './guest-image.ts';
import { exitOf, type ProgramShape, WasmProgram } from './wasm-program.ts';

/** A vCPU to be created. */
export interface WasmVcpuOptions {
  readonly index: number;
  /** Name in messages and for threads: "vm0 vCPU 1". */
  readonly name: string;
  readonly module: WebAssembly.Module;
  readonly shape: ProgramShape;
  readonly memory: WebAssembly.Memory;
  /**
   * The guest's imports, each call with its exit counted; to be called on the machine's
   * thread.
   */
  readonly imports: WasmImports;
  readonly host: VcpuHost;
  /**
   * Checks the value of the guest's `vsmmu_abi`.
   * @throws {GuestImageError} when it was built for another version.
   */
  checkAbi(abi: number | undefined): void;
}

/** Runs vCPUs on their own threads. */
export interface VcpuTransport {
  /**
   * Starts a thread and instantiates the program in it.
   * @param signal aborted, it ends the thread in any state, and `start` throws its
   *   reason.
   */
  start(options: WasmVcpuOptions, signal: AbortSignal): Promise<Vcpu>;
}

/** Instantiates a module; a test can check the import object here. */
export type Instantiate = (
  module: WebAssembly.Module,
  imports: WasmImports,
) => Promise<WebAssembly.Instance>;

type Export = (...args: number[]) => unknown;

export class InlineWasmVcpu implements Vcpu {
  readonly index: number;
  readonly #options: WasmVcpuOptions;
  readonly #program: WasmProgram;
  readonly #instantiate: Instantiate;
  #instance: WebAssembly.Instance | undefined;

  constructor(options: WasmVcpuOptions, instantiate: Instantiate) {
    this.index = options.index;
    this.#options = options;
    this.#program = new WasmProgram(options.index, options.shape);
    this.#instantiate = instantiate;
  }

  get inGuest(): boolean {
    return this.#options.host.isInGuest(this.index);
  }

  /** The caller is on this thread: the vCPU is at an exit, or outside the guest. */
  get still(): boolean {
    return true;
  }

  reset(entry: VcpuEntry): void | Promise<void> {
    this.#program.reset(entry);
    // A secondary program has no data or state: any instance of it is as good as a new
    // one.
    return this.#program.shape === 'secondary' ? undefined : this.prepare();
  }

  /**
   * Creates the instance that runs next.
   * @throws {GuestImageError} when it cannot be instantiated.
   */
  async prepare(): Promise<void> {
    const { module, imports, checkAbi } = this.#options;
    let instance: WebAssembly.Instance;
    try {
      instance = await this.#instantiate(module, imports);
    } catch (cause) {
      throw instantiationError(cause, binaryOf(this.#options.shape));
    }
    checkAbi(abiOf(instance));
    this.#instance = instance;
  }

  run(budget: number): VcpuExit {
    const { host } = this.#options;
    const { name, args } = this.#program.next(budget);
    try {
      const entry = this.#instance?.exports[name] as Export;
      host.setInGuest(this.index, true);
      return this.#program.returned(entry(...args));
    } catch (thrown) {
      return exitOf(this.index, thrown);
    } finally {
      host.setInGuest(this.index, false);
    }
  }

  /** It polls its interrupt words itself, and never sleeps. */
  setIrq(): void {
    return;
  }

  /** It is not run while it is paused. */
  setPaused(): void {
    return;
  }

  save(): VcpuState {
    return this.#program.save();
  }

  async restore(state: VcpuState): Promise<void> {
    await this.reset({ argument: 0 });
    this.#program.restore(state);
  }

  /** Its slice, if any, is on the caller's stack: it ends when its calls throw. */
  stop(): Promise<void> {
    return Promise.resolve();
  }
}
