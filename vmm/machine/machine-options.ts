// What a machine is made of.

import type { MemoryRegion } from '../../assembly/load.ts';
import type { Clock } from '../../devices/bus/clock.ts';
import type { Placement } from '../../devices/bus/placement.ts';
import type { TraceEvent } from '../../devices/plugin/index.ts';
import type { VcpuTransport } from '../vcpu/vcpu.ts';
import type { GuestImage } from '../vcpu/wasm/guest-image.ts';
import type { InsideCalls } from '../vcpu/wasm/guest-imports.ts';
import type { WasiFactory } from '../vcpu/wasm/wasi-host.ts';

export interface MachineCoreOptions {
  /** Used in messages: "vm0". */
  readonly name: string;
  /** Index among the machines of its host, from 0. */
  readonly index?: number;
  readonly image: GuestImage;
  /** Made by `createGuestMemory` for this image. */
  readonly memory: WebAssembly.Memory;
  readonly regions: readonly MemoryRegion[];
  /** gpa of memory offset 0. */
  readonly ramGpaBase: number;
  readonly devices: readonly Placement[];
  readonly wasi: WasiFactory;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The drain of the machine's unit: what stays inside Wasm of the guest's imports. */
  readonly drain?: InsideCalls;
  /**
   * A vCPU comes to run guest code, or runs none any more: at the begin and the end of each run, exits in between not counted.
   * @throws what ends the run before it begins.
   */
  onVcpu?(vcpu: number, runs: boolean): void;
  /** Console output of the guest's program, as it is written. */
  onOutput?(stream: 'stdout' | 'stderr', bytes: Uint8Array<ArrayBuffer>): void;
  /** Console input that is there already. */
  readInput?(most: number): Uint8Array;
  /** Fills `target` with random bytes for the guest's program. Default: the system's. */
  random?(target: Uint8Array<ArrayBuffer>): void;
  /**
   * What the host does for this machine at its safe points: at the end of every exit, and (`full`) when the guest yields or waits.
   */
  onSafePoint?(full: boolean): void;
  /** Called for each exit, with its vCPU ("vCPU 0") as the source, and for each event and interrupt of a device, with the device's name. */
  onTrace?(source: string, event: TraceEvent): void;
  readonly clock?: Clock;
  /** False keeps every register access trapped. Default true. */
  readonly directMaps?: boolean;
  /** How the guest is instantiated inline; a test can look at the import object here. */
  instantiate?(
    module: WebAssembly.Module,
    imports: WebAssembly.Imports,
  ): Promise<WebAssembly.Instance>;
  /** Runs each vCPU on a thread of its own. Default: inline, on the caller's thread. */
  readonly transport?: VcpuTransport | undefined;
  /** vCPUs, 1 to ABI_MAX_VCPUS. Default 1; more need `secondary`. */
  readonly vcpus?: number;
  /** Program of the secondary vCPUs (docs/guest-abi.md). */
  readonly secondary?: WebAssembly.Module | undefined;
}

/**
 * `new` until `boot`, `running` while the guest wants to go on, `off` when it has ended by itself, `stopped` by its owner, `failed`
 * when one of its parts failed (`error` says which).
 */
export type CoreStatus = 'new' | 'running' | 'off' | 'stopped' | 'failed';
