// SPDX-License-Identifier: MIT
// What a machine is built from.

import type { MemoryRegion } from '../../assembly/load.ts';
import type { Clock, MsiController, Placement } from '../../devices/bus/index.ts';
import type { TraceEvent } from '../../devices/plugin/index.ts';
import type { Guest } from '../vcpu/index.ts';

export interface MachineCoreOptions {
  /** Name in messages: "vm0". */
  readonly name: string;
  /** The guest to run. */
  readonly guest: Guest;
  readonly memory: WebAssembly.Memory;
  /** Place of RAM in the memory, and its gpa. */
  readonly regions: readonly MemoryRegion[];
  readonly devices: readonly Placement[];
  /** The board's interrupt controller for MSIs. Default: MSIs are stores to RAM. */
  readonly msis?: MsiController | undefined;
  readonly clock?: Clock;
  /** False keeps every register access trapped. Default true. */
  readonly directMaps?: boolean;
  /**
   * A vCPU enters or leaves the guest: at the start and the end of each run, not at exits
   * in between.
   * @throws an error that ends the run before it starts.
   */
  onVcpu?(vcpu: number, runs: boolean): void;
  /**
   * The host's work for this machine at its safe points: at the end of every exit, and
   * (`full`) when the guest yields or waits.
   */
  onSafePoint?(full: boolean): void;
  /**
   * Called for each exit, with its vCPU ("vCPU 0") as the source, and for each event and
   * interrupt of a device, with the device's name.
   */
  onTrace?(source: string, event: TraceEvent): void;
}
