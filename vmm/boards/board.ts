// SPDX-License-Identifier: MIT
// A board: what stands around a machine's vCPUs. The API, the drains, reports and the demo work on this
// interface and know no particular board.

import type { BoardModuleUrls } from '../../assembly/load.ts';
import type { Clock, MsiController, Placement } from '../../devices/bus/index.ts';
import type { CheckpointOptions } from '../../devices/checkpoint/index.ts';
import type { DeviceFaults } from '../../devices/faults/index.ts';
import type { TraceEvent } from '../../devices/plugin/index.ts';
import type { SmmuIdRegisters, SmmuRefusal } from '../../devices/smmuv3/index.ts';
import type { Vm } from '../../host/kernel/index.ts';
import type { GuestSmmu, InspectedAmdIommu } from '../inspect/index.ts';
import type { MachineCore } from '../machine/index.ts';
import type { Drainable, ExitServer } from '../threads/index.ts';
import type { DebugTarget } from '../vcpu/index.ts';
import type { BoardHost } from './board-host.ts';
import type { MachineWatch } from './machine-watch.ts';

/** Queues of a guest's direct path: VCMDQs of a CMDQV, or ECMDQs of the SMMU itself. */
export type Queues = 'vcmdq' | 'ecmdq';

/** What every board is given; one that has no use for something leaves it alone. */
export interface BoardOptions {
  /** The host that the machine is one of. */
  readonly host: BoardHost;
  /** Name of the machine, for messages. */
  readonly name: string;
  /** Index among the machines of the host, from 0. */
  readonly index: number;
  /** The guest's binary. */
  readonly guest: Uint8Array<ArrayBuffer>;
  /** Program of the secondary vCPUs. */
  readonly secondary?: Uint8Array<ArrayBuffer> | undefined;
  /** The guest may have types that need a garbage-collected heap. Default false. */
  readonly allowGc?: boolean;
  /** vCPUs. Default 1. */
  readonly vcpus?: number;
  /** Bytes of memory, a multiple of 64 KiB. Default: what the guest asks for. */
  readonly memorySize?: number | undefined;
  /** Arguments of the guest's program, its name first. */
  readonly args?: readonly string[];
  /** Environment of the guest's program. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where the machine's time comes from. Default: the computer's. */
  readonly clock?: Clock | undefined;
  /** Fills `target` with random bytes for the guest. Default: the system's. */
  readonly random?: ((target: Uint8Array<ArrayBuffer>) => void) | undefined;
  /** Console output: of the guest's program, and of the UART. */
  onOutput(bytes: Uint8Array<ArrayBuffer>): void;
  /** Console input that is there already, at most `most` bytes. */
  readInput?(most: number): Uint8Array;
  /** Told of each exit, and of the events and interrupts of devices, with who it was. */
  readonly onTrace?: ((source: string, event: TraceEvent) => void) | undefined;
  /** Told why the guest's SMMU has refused streams, each reason once. Default: nobody asks. */
  readonly onRefusal?: ((refusal: SmmuRefusal) => void) | undefined;
  /** Told what the guest reports through the checkpoint device. */
  readonly checkpoint?: CheckpointOptions;
  /** Serves the exits of vCPUs that have threads of their own. Default: the guest runs inline. */
  readonly exits?: ExitServer | undefined;
  /** Where vcpu-worker.js lies. Default: beside the code that starts it. */
  readonly workerUrl?: string | URL | undefined;
  /** Where WebAssembly modules of the board lie. Default: beside the code that loads them. */
  readonly wasmUrl?: BoardModuleUrls | undefined;
  /** False keeps every register access trapped. Default true. */
  readonly directMaps?: boolean;
  /** The overlay path: the guest rings its SMMU's one CMDQ without an exit. Default false. */
  readonly overlay?: boolean;
  /** Kind of the guest's command queues besides its CMDQ. Default `vcmdq`. */
  readonly queues?: Queues;
  /**
   * The guest's SMMU takes part in the broadcast TLB maintenance of its vCPUs (IDR0.BTM).
   * Default: as its host's does.
   */
  readonly btm?: boolean | undefined;
  /**
   * Numbers of the host's SMMUs that devices of the machine are behind. Default: as many of
   * them as the board has room for.
   */
  readonly behind?: readonly number[] | undefined;
  /**
   * ID registers of the guest's SMMU. Default `auto`: what its host's SMMU has and a guest can have
   * (`guestIdRegisters`). Others are checked against the host's.
   */
  readonly idRegisters?: 'auto' | SmmuIdRegisters | undefined;
  /** An interrupt controller for MSIs, for a board that has none of its own. */
  readonly msis?: MsiController | undefined;
  /** What goes wrong with the devices of the board. Default: nothing, and then it costs nothing. */
  readonly faults?: DeviceFaults | undefined;
  /** Further devices. */
  readonly devices?: readonly Placement[];
  /**
   * Watches the guest's doorbells and its accesses of registers (inline only), and the DMA of its
   * devices: the standard board. Default: nobody does, and then it costs nothing.
   */
  readonly watch?: MachineWatch | undefined;
}

/** A machine on a board. */
export interface BoardMachine {
  readonly machine: MachineCore;
  /** How its guest's queues are drained. Undefined: no unit reaches its memory, and there is nothing to drain. */
  readonly drainable: Drainable | undefined;
  /** The VM under a host with SMMUs. Undefined: the guest owns what it works, an SMMU included, or has an AMD IOMMU. */
  readonly vm: Vm | undefined;
  /** What the guest's direct path consists of. */
  readonly queues: Queues;
  /** The guest's SMMUs; empty where no host lends it one. */
  readonly smmus: readonly GuestSmmu[];
  /** The guest's AMD IOMMU, on a host that has one. */
  readonly amd?: InspectedAmdIommu;
  /** For a debugger. Undefined: none can work its vCPUs. */
  readonly debug?: DebugTarget;
  /** Console input. */
  receive(bytes: Uint8Array): void;
  /** No more of it comes, so that a guest that only waits for it waits in vain. */
  endInput?(): void;
  /** Gives everything back that the machine had. It has ended, and is reset. */
  destroy(): void;
}

/** Makes machines. */
export interface Board {
  /** Used in messages: "toy". */
  readonly name: string;
  /** Where further devices may lie, and how many of them there may be. */
  readonly free: {
    /** gpa from here on up to RAM. */
    readonly gpa: number;
    /** Interrupt lines from here on. */
    readonly irq: number;
    readonly devices: number;
  };
  /**
   * Makes a machine; its `boot` starts it.
   * @throws {GuestImageError} when the guest is none for this board.
   * @throws {BoardError | RangeError} when a device does not fit or does not work.
   * @throws {HostError} when the host has nothing left to lend.
   */
  create(options: BoardOptions): Promise<BoardMachine>;
}
