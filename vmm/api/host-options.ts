// SPDX-License-Identifier: MIT
// Options of hosts and machines: the plain ones, and what cannot be written down in a file.

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
 * What goes wrong with a host, to see what becomes of its machines. What is absent or 0 does not.
 */
export interface HostFaults extends DrainFaults {
  /**
   * Processors and SMMUs number VMs each for themselves, and the host does not notice: with `btm` a vCPU's TLBI then leaves
   * its own VM's entries in the SMMU, and takes those of the VM that has the number there.
   */
  separateVmids?: boolean | undefined;
  /**
   * Asked before each allocation of host memory, by what it is for ("host RAM"): true says that there is none left. Whatever
   * needs it throws an error of the code ENOMEM then, and leaves nothing behind.
   */
  outOfMemory?: ((what: string) => boolean) | undefined;
}

/** Options of a host: the plain ones, and what cannot be written down in a file. */
export interface HostOptions extends HostSettings {
  /** The hot modules, compiled already. */
  readonly wasmModule?: HotModules | undefined;
  /** Where the WebAssembly modules lie, when not beside the library's own files. */
  readonly wasmUrl?: ModuleUrls | undefined;
  /** Where the workers' programs lie, when not beside the library's own files. */
  readonly workerUrl?: WorkerUrls | undefined;
  /**
   * Asked about every bad command of a VM, on any queue, before the VM learns of it: whether to
   * `report`, `skip` or `emulate` it, or to `stop` the machine (docs/iommufd.md). Default: report.
   */
  readonly onQueueError?: QueueErrorPolicy | undefined;
  /** Told of each finding of the sanitizer (`iotlbCheck`). A machine's own come as its event `finding`, too. */
  readonly onFinding?: ((finding: Finding) => void) | undefined;
  /** Where the machines' time comes from. Default: the computer's. */
  readonly clock?: Clock | undefined;
  /** Keeps a trace of the host and its machines: `Host.trace`. Default false, and then it costs nothing. */
  readonly trace?: boolean | undefined;
  /** What goes wrong with the host (docs/api.md). Default: nothing. */
  readonly faults?: HostFaults | undefined;
}

/** Options of a machine: the plain ones, and what cannot be written down in a file. */
export interface MachineOptions extends MachineSettings {
  /** The guest's binary (docs/guest-abi.md): a path, a URL, or its bytes. */
  readonly guest: GuestSource;
  /** Program of the secondary vCPUs, when `vcpus` is more than 1. */
  readonly secondary?: GuestSource | undefined;
  /** What stands around its vCPUs. Default: `toyBoard`. */
  readonly board?: Board | undefined;
  /**
   * What goes wrong with its devices (docs/api.md); every access to them is then an exit. Default: nothing, and then it costs
   * nothing. On the board `virt` GIC and CPU are left alone.
   */
  readonly faults?: DeviceFaults | undefined;
  /** Devices beside those of the board. One without a place gets the next free address and interrupt lines. */
  readonly devices?: readonly (Device | Placement)[] | undefined;
  /**
   * An interrupt controller for MSIs, where the board has none: DMA of 32 bits to its doorbell
   * pages reaches it through the SMMU. Default none: MSIs are stores to RAM.
   */
  readonly msis?: MsiController | undefined;
  /** Console output, as it comes; the bytes are the receiver's to keep. */
  readonly onOutput?: ((bytes: Uint8Array<ArrayBuffer>) => void) | undefined;
  /**
   * Told of each exit (the source is "vCPU 0") and of the events and interrupts of
   * devices (the source is the device's name).
   */
  readonly onTrace?: ((source: string, event: TraceEvent) => void) | undefined;
}
