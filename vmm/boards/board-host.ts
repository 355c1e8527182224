// SPDX-License-Identifier: MIT
// A machine's host, in the form that boards use.

import type { HotModules, MemoryRegion } from '../../assembly/load.ts';
import type { DmaPort } from '../../devices/plugin/index.ts';
import type { SmmuShape, Vm, VmOptions } from '../../host/kernel/index.ts';
import type { HostSanitizer } from '../inspect/sanitizer/index.ts';
import type { CreateViommuOptions, LentVintf, NestedSmmu } from '../nested/index.ts';

/** What a host lends to a machine, and what it does at the machine's safe points. */
export interface BoardHost {
  /** Host memory, for the creation of units. */
  readonly memory: WebAssembly.Memory;
  /** The hot modules of its units. */
  readonly modules: HotModules;
  /** The sanitizer, on a host with `iotlbCheck`. */
  readonly sanitizer: HostSanitizer | undefined;
  /** The shape of each of its SMMUs. */
  readonly smmus: readonly SmmuShape[];
  /**
   * Creates a VM. The board destroys it with its machine.
   * @throws {HostError} when the host cannot have more.
   */
  createVm(
    name: string,
    memory: WebAssembly.Memory,
    regions: readonly MemoryRegion[],
    options?: VmOptions,
  ): Vm;
  /** Returns everything lent to a VM. Its machine has ended. */
  destroyVm(vm: Vm): void;
  /**
   * Creates a vIOMMU for a VM.
   * @param streams StreamIDs as numbered by the guest.
   * @throws {HostError | IommufdError} when a resource is exhausted.
   */
  createViommu(vm: Vm, streams: readonly number[], options?: CreateViommuOptions): NestedSmmu;
  /**
   * Lends the CMDQV of a vIOMMU that was created with one.
   * @throws {HostError} when it was not.
   */
  createVintf(viommu: NestedSmmu): LentVintf;
  /** The DMA port of the device with one of a VM's StreamIDs. */
  dmaPort(viommu: NestedSmmu, virtSid: number, requesterId?: number): DmaPort;
  /** A vCPU of a VM enters or leaves the guest. */
  vcpuRuns(vm: Vm, vcpu: number, runs: boolean): void;
  /**
   * Allocates a thread block for another unit of a VM.
   * @throws {HostError} when there is none left.
   */
  allocateThread(): number;
  /** Frees it: its thread has ended. */
  freeThread(thread: number): void;
  /**
   * The host's work at a safe point.
   * @param full check everything: at yields and waits, but not at each exit.
   */
  service(full: boolean): void;
}
