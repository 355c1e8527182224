// SPDX-License-Identifier: MIT
// What a machine is made of.

import type { MemoryRegion } from '../../assembly/load.ts';
import type { Clock, MsiController, Placement } from '../../devices/bus/index.ts';
import type { TraceEvent } from '../../devices/plugin/index.ts';
import type { Guest } from '../vcpu/index.ts';

export interface MachineCoreOptions {
  /** Used in messages: "vm0". */
  readonly name: string;
  /** What it runs. */
  readonly guest: Guest;
  readonly memory: WebAssembly.Memory;
  /** Where RAM lies in the memory, and at which gpa. */
  readonly regions: readonly MemoryRegion[];
  readonly devices: readonly Placement[];
  /** The board's interrupt controller for MSIs. Default: MSIs are stores to RAM. */
  readonly msis?: MsiController | undefined;
  readonly clock?: Clock;
  /** False keeps every register access trapped. Default true. */
  readonly directMaps?: boolean;
  /**
   * A vCPU comes to run guest code, or runs none any more: at the begin and the end of
   * each run, exits in between not counted.
   * @throws what ends the run before it begins.
   */
  onVcpu?(vcpu: number, runs: boolean): void;
  /**
   * What the host does for this machine at its safe points: at the end of every exit, and
   * (`full`) when the guest yields or waits.
   */
  onSafePoint?(full: boolean): void;
  /**
   * Called for each exit, with its vCPU ("vCPU 0") as the source, and for each event and
   * interrupt of a device, with the device's name.
   */
  onTrace?(source: string, event: TraceEvent): void;
}
