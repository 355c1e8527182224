// SPDX-License-Identifier: MIT
// A vCPU on a separate thread: instantiates the guest here, and posts every call of a
// JavaScript import to the VMM's thread. Only WebAssembly stays here: the guest, and the
// drain for its doorbell when it has a unit.

import { Unit, type UnitOptions } from '../../devices/unit/index.ts';
import type { Arm64ThreadExit } from '../vcpu/arm64/index.ts';
import { reasonOf, thrownError } from '../vcpu/wasm/guest-errors.ts';
import { abiOf } from '../vcpu/wasm/guest-image.ts';
import { INSIDE_FUNCTIONS, importModule, importObject } from '../vcpu/wasm/guest-imports.ts';
import { Arm64VcpuThread, type Arm64WorkerOptions } from './arm64-vcpu-thread.ts';
import { endThread, exposeToParent } from './expose.ts';
import { MailboxClient, type Value } from './mailbox.ts';

/** An import that the VMM's side serves; its index in the list is its number. */
export interface RemoteImport {
  readonly module: string;
  readonly name: string;
  /** Number of arguments of the call. */
  readonly arity: number;
}

/** What a vCPU with its own thread is built from. */
export interface VcpuWorkerOptions {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly imports: readonly RemoteImport[];
  readonly mailbox: SharedArrayBuffer;
  readonly vmm: SharedArrayBuffer;
  /** The unit that the guest's doorbell rings; undefined for none. */
  readonly unit: UnitOptions | undefined;
}

/** Result of instantiating a guest. */
export interface Instantiation {
  /** The reason of a failure in one line; undefined for a success. */
  readonly refused: string | undefined;
  /** The value of its `vsmmu_abi`. */
  readonly abi: number | undefined;
}

export interface VcpuApi {
  /** Loads its program, and instantiates it. */
  boot(options: VcpuWorkerOptions): Promise<Instantiation>;
  /** Instantiates it again. */
  instantiate(): Promise<Instantiation>;
  /**
   * Runs one of its exports to the end. Only numbers are returned; any other result is
   * dropped.
   */
  run(name: string, args: readonly number[]): number | undefined;
  /** Sets up an arm64 vCPU. */
  bootArm64(options: Arm64WorkerOptions): void;
  /** Runs it until it is stopped, or cannot continue by itself. */
  runArm64(): Arm64ThreadExit;
  end(): void;
}

/**
 * A guest's `wait` of at least this time sleeps; a shorter one would be over before a
 * sleep. Microseconds.
 */
const SHORTEST_REST = 100;
/** A sleeping guest checks for interrupts at least this often. */
const LONGEST_REST_MS = 10;

type Call = (...args: Value[]) => Value | undefined;

/** By number of arguments, so that the usual exits allocate no argument lists. */
function remoteCall(client: MailboxClient, number: number, arity: number): Call {
  switch (arity) {
    case 0:
      return () => {
        client.open(number, 0);
        return client.post();
      };
    case 1:
      return (a) => {
        client.open(number, 1);
        client.argument(0, a as Value);
        return client.post();
      };
    case 2:
      return (a, b) => {
        client.open(number, 2);
        client.argument(0, a as Value);
        client.argument(1, b as Value);
        return client.post();
      };
    default:
      return (...args) => {
        client.open(number, args.length);
        for (let i = 0; i < args.length; i++) client.argument(i, args[i] as Value);
        return client.post();
      };
  }
}

/** The exit, followed by the sleep that the guest has requested. */
function restingWait(client: MailboxClient, exit: Call): Call {
  return (microseconds) => {
    const result = exit(microseconds as Value);
    if (Number(microseconds) >= SHORTEST_REST)
      client.rest(Math.min(Number(microseconds) / 1000, LONGEST_REST_MS));
    return result;
  };
}

class VcpuWorker implements VcpuApi {
  #client: MailboxClient | undefined;
  #module: WebAssembly.Module | undefined;
  #imports: WebAssembly.Imports = {};
  #instance: WebAssembly.Instance | undefined;
  #arm64: Arm64VcpuThread | undefined;

  boot(options: VcpuWorkerOptions): Promise<Instantiation> {
    const client = new MailboxClient(options.mailbox, options.vmm);
    this.#client = client;
    const object = importObject();
    options.imports.forEach(({ module, name, arity }, number) => {
      const call = remoteCall(client, number, arity);
      importModule(object, module)[name] =
        module === 'vsmmu' && name === 'wait' ? restingWait(client, call) : call;
    });
    importModule(object, 'env').memory = options.memory;
    const vsmmu = importModule(object, 'vsmmu');
    if (options.unit) {
      const { drain } = new Unit(options.unit);
      for (const name of INSIDE_FUNCTIONS) if (vsmmu[name]) vsmmu[name] = drain[name];
    }
    this.#module = options.module;
    this.#imports = object as WebAssembly.Imports;
    return this.instantiate();
  }

  async instantiate(): Promise<Instantiation> {
    if (!this.#module) throw new RangeError('there is nothing to instantiate');
    try {
      this.#instance = await WebAssembly.instantiate(this.#module, this.#imports);
    } catch (cause) {
      return { refused: reasonOf(cause), abi: undefined };
    }
    return { refused: undefined, abi: abiOf(this.#instance) };
  }

  run(name: string, args: readonly number[]): number | undefined {
    const client = this.#client;
    const entry = this.#instance?.exports[name];
    if (!client || typeof entry !== 'function')
      throw new RangeError(`the guest has no entry ${name}`);
    try {
      client.enter();
      const result: unknown = entry(...args);
      return typeof result === 'number' ? result : undefined;
    } catch (thrown) {
      throw thrownError(thrown);
    } finally {
      client.leave();
    }
  }

  bootArm64(options: Arm64WorkerOptions): void {
    this.#arm64 = new Arm64VcpuThread(options);
  }

  runArm64(): Arm64ThreadExit {
    if (!this.#arm64) throw new RangeError('there is no vCPU to run');
    return this.#arm64.run();
  }

  end(): void {
    endThread();
  }
}

exposeToParent(new VcpuWorker());
