// SPDX-License-Identifier: MIT
// A board: everything around a machine's vCPUs. The API, the drains, reports and the demo
// use this interface and do not depend on a particular board.

import type { BoardModuleUrls } from '../../assembly/load.ts';
import type { Clock, MsiController, Placement } from '../../devices/bus/index.ts';
import type { CheckpointOptions } from '../../devices/checkpoint/index.ts';
import type { DeviceFaults } from '../../devices/faults/index.ts';
import type { TraceEvent } from '../../devices/plugin/index.ts';
import type { SmmuIdRegisters, SmmuRefusal } from '../../devices/smmuv3/index.ts';
import type { Vm } from '../../host/kernel/index.ts';
import type { GuestSmmu, InspectedAmdIommu, OwnedSmmu } from '../inspect/index.ts';
import type { MachineCore } from '../machine/index.ts';
import type { Drainable, ExitServer } from '../threads/index.ts';
import type { DebugTarget } from '../vcpu/index.ts';
import type { BoardHost } from './board-host.ts';
import type { MachineWatch } from './machine-watch.ts';

/** Queues of a guest's direct path: VCMDQs of a CMDQV, or ECMDQs of the SMMU itself. */
export type Queues = 'vcmdq' | 'ecmdq';

/** The options of every board; a board ignores those that it has no use for. */
export interface BoardOptions {
  /** The machine's host. */
  readonly host: BoardHost;
  /** Name of the machine in messages. */
  readonly name: string;
  /** Index among the machines of the host, from 0. */
  readonly index: number;
  /** The guest's binary. */
  readonly guest: Uint8Array<ArrayBuffer>;
  /** Program of the secondary vCPUs. */
  readonly secondary?: Uint8Array<ArrayBuffer> | undefined;
  /** The guest may have types that need a garbage-collected heap. Default false. */
  readonly allowGc?: boolean;
  /** Number of vCPUs. Default 1. */
  readonly vcpus?: number;
  /** Bytes of memory, a multiple of 64 KiB. Default: what the guest requests. */
  readonly memorySize?: number | undefined;
  /** Arguments of the guest's program, its name first. */
  readonly args?: readonly string[];
  /** Environment of the guest's program. */
  readonly env?: Readonly<Record<string, string>>;
  /** The machine's clock. Default: the computer's. */
  readonly clock?: Clock | undefined;
  /** Fills `target` with random bytes for the guest. Default: the system's. */
  readonly random?: ((target: Uint8Array<ArrayBuffer>) => void) | undefined;
  /** Console output: of the guest's program, and of the UART. */
  onOutput(bytes: Uint8Array<ArrayBuffer>): void;
  /** Returns available console input, at most `most` bytes. */
  readInput?(most: number): Uint8Array;
  /**
   * Called for each exit, and for events and interrupts of devices, with their source.
   */
  readonly onTrace?: ((source: string, event: TraceEvent) => void) | undefined;
  /**
   * Called with each reason why the guest's SMMU refused a stream, once. Default: no
   * reasons are determined.
   */
  readonly onRefusal?: ((refusal: SmmuRefusal) => void) | undefined;
  /** Receivers of the guest's reports through the checkpoint device. */
  readonly checkpoint?: CheckpointOptions;
  /** Serves the exits of vCPUs with their own threads. Default: the guest runs inline. */
  readonly exits?: ExitServer | undefined;
  /** Place of vcpu-worker.js. Default: next to the code that starts it. */
  readonly workerUrl?: string | URL | undefined;
  /**
   * Places of the board's WebAssembly modules. Default: next to the code that loads them.
   */
  readonly wasmUrl?: BoardModuleUrls | undefined;
  /** False keeps every register access trapped. Default true. */
  readonly directMaps?: boolean;
  /**
   * The overlay path: the guest rings its SMMU's one CMDQ without an exit. Default false.
   */
  readonly overlay?: boolean;
  /** Kind of the guest's command queues besides its CMDQ. Default `vcmdq`. */
  readonly queues?: Queues;
  /**
   * The guest's SMMU takes part in the broadcast TLB maintenance of its vCPUs (IDR0.BTM).
   * Default: like its host's.
   */
  readonly btm?: boolean | undefined;
  /**
   * Numbers of the host's SMMUs that translate for devices of the machine. Default: as
   * many as the board supports.
   */
  readonly behind?: readonly number[] | undefined;
  /**
   * ID registers of the guest's SMMU. Default `auto`: the host's SMMU without what a
   * guest cannot have (`guestIdRegisters`). Others are checked against the host's.
   */
  readonly idRegisters?: 'auto' | SmmuIdRegisters | undefined;
  /** An interrupt controller for MSIs, for a board without one. */
  readonly msis?: MsiController | undefined;
  /** Faults of the board's devices. Default: none, without any cost. */
  readonly faults?: DeviceFaults | undefined;
  /** Further devices. */
  readonly devices?: readonly Placement[];
  /**
   * Watches the guest's doorbells and its register accesses (inline only), and the DMA of
   * its devices, on the standard board. Default: none, without any cost.
   */
  readonly watch?: MachineWatch | undefined;
}

/** A machine on a board. */
export interface BoardMachine {
  readonly machine: MachineCore;
  /**
   * How its guest's queues are drained. Undefined when no unit reaches its memory, so
   * that there is nothing to drain.
   */
  readonly drainable: Drainable | undefined;
  /**
   * The VM on a host with SMMUs. Undefined when the guest owns its hardware, including an
   * SMMU, or has an AMD IOMMU.
   */
  readonly vm: Vm | undefined;
  /** The kind of queues on the guest's direct path. */
  readonly queues: Queues;
  /** The guest's SMMUs; empty when no host lends it one. */
  readonly smmus: readonly GuestSmmu[];
  /** The physical SMMU of a guest that owns it: the one in `smmus`, with all VINTFs. */
  readonly owned?: OwnedSmmu;
  /** The guest's AMD IOMMU, on a host with one. */
  readonly amd?: InspectedAmdIommu;
  /** For a debugger. Undefined when none can control its vCPUs. */
  readonly debug?: DebugTarget;
  /** Console input. */
  receive(bytes: Uint8Array): void;
  /** Ends the console input: a guest that only waits for it waits for ever. */
  endInput?(): void;
  /** Releases everything that the machine had. It has ended, and is reset. */
  destroy(): void;
}

/** Creates machines. */
export interface Board {
  /** Name in messages: "toy". */
  readonly name: string;
  /** Free places for further devices, and their maximum number. */
  readonly free: {
    /** gpa of the free range, which extends up to RAM. */
    readonly gpa: number;
    /** First free interrupt line. */
    readonly irq: number;
    readonly devices: number;
  };
  /**
   * Creates a machine; its `boot` starts it.
   * @throws {GuestImageError} when the guest is not one for this board.
   * @throws {BoardError | RangeError} when a device does not fit or does not work.
   * @throws {HostError} when the host has run out of something that it lends.
   */
  create(options: BoardOptions): Promise<BoardMachine>;
}
