// SPDX-License-Identifier: MIT
// Options of hosts and machines: plain data, and values that a file cannot express.

import type { HotModules, ModuleUrls } from '../../assembly/load.ts';
import type { Clock, MsiController, Placement } from '../../devices/bus/index.ts';
import type { DeviceFaults } from '../../devices/faults/index.ts';
import type { Device, TraceEvent } from '../../devices/plugin/index.ts';
import type { Board } from '../boards/index.ts';
import type { Finding } from '../inspect/sanitizer/index.ts';
import type { QueueErrorPolicy } from '../nested/index.ts';
import type { DrainFaults, WorkerUrls } from '../threads/index.ts';
import type { HostSettings, MachineSettings } from './settings.ts';
import type { GuestSource } from './sources.ts';

/**
 * Faults of a host, to test their effect on its machines. A fault that is absent or 0
 * does not occur.
 */
export interface HostFaults extends DrainFaults {
  /**
   * Processors and SMMUs assign VMIDs independently, and the host does not notice: with
   * `btm` a vCPU's TLBI then leaves entries of its own VM in the SMMU, and invalidates
   * those of the VM that has its number there.
   */
  separateVmids?: boolean | undefined;
  /**
   * Called before each allocation of host memory, with its purpose ("host RAM"). True
   * makes the allocation fail: the operation throws an error with the code ENOMEM and
   * leaves nothing behind.
   */
  outOfMemory?: ((what: string) => boolean) | undefined;
}

/** Options of a host: plain data, and values that a file cannot express. */
export interface HostOptions extends HostSettings {
  /** The compiled hot modules. */
  readonly wasmModule?: HotModules | undefined;
  /**
   * Places of the WebAssembly modules, unless they are next to the library's own files.
   */
  readonly wasmUrl?: ModuleUrls | undefined;
  /** Places of the workers' programs, unless they are next to the library's own files. */
  readonly workerUrl?: WorkerUrls | undefined;
  /**
   * Called for every bad command of a VM, on any queue, before the VM is notified:
   * whether to `report`, `skip` or `emulate` it, or to `stop` the machine
   * (docs/iommufd.md). Default: report.
   */
  readonly onQueueError?: QueueErrorPolicy | undefined;
  /**
   * Called with each finding of the sanitizer (`iotlbCheck`). A machine also emits its
   * own findings as the event `finding`.
   */
  readonly onFinding?: ((finding: Finding) => void) | undefined;
  /** The machines' clock. Default: the computer's. */
  readonly clock?: Clock | undefined;
  /**
   * Keeps a trace of the host and its machines: `Host.trace`. Default false, without any
   * cost.
   */
  readonly trace?: boolean | undefined;
  /** Faults of the host (docs/api.md). Default: none. */
  readonly faults?: HostFaults | undefined;
}

/** Options of a machine: plain data, and values that a file cannot express. */
export interface MachineOptions extends MachineSettings {
  /** The guest's binary (docs/guest-abi.md): a path, a URL, or its bytes. */
  readonly guest: GuestSource;
  /** Program of the secondary vCPUs, when `vcpus` is more than 1. */
  readonly secondary?: GuestSource | undefined;
  /** The board around its vCPUs. Default: `toyBoard`. */
  readonly board?: Board | undefined;
  /**
   * Faults of its devices (docs/api.md), with which every access to them is an exit.
   * Default: none, without any cost. On the board `virt` GIC and CPU have no faults.
   */
  readonly faults?: DeviceFaults | undefined;
  /**
   * Devices in addition to those of the board. One without a place gets the next free
   * address and interrupt lines.
   */
  readonly devices?: readonly (Device | Placement)[] | undefined;
  /**
   * An interrupt controller for MSIs, if the board has none: 32-bit DMA writes to its
   * doorbell pages reach it through the SMMU. Default none: MSIs are stores to RAM.
   */
  readonly msis?: MsiController | undefined;
  /** Called with console output as it is produced; the receiver may keep the bytes. */
  readonly onOutput?: ((bytes: Uint8Array<ArrayBuffer>) => void) | undefined;
  /**
   * Called for each exit (the source is "vCPU 0") and for events and interrupts of
   * devices (the source is the device's name).
   */
  readonly onTrace?: ((source: string, event: TraceEvent) => void) | undefined;
}
