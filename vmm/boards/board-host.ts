// SPDX-License-Identifier: MIT
// The host of a machine, as boards have it.

import type { HotModules, MemoryRegion } from '../../assembly/load.ts';
import type { DmaPort } from '../../devices/plugin/index.ts';
import type { SmmuShape, Vm, VmOptions } from '../../host/kernel/index.ts';
import type { HostSanitizer } from '../inspect/sanitizer/index.ts';
import type { CreateViommuOptions, LentVintf, NestedSmmu } from '../nested/index.ts';

/** What a host lends to a machine, and what it does at the machine's safe points. */
export interface BoardHost {
  /** Host memory, which units are made with. */
  readonly memory: WebAssembly.Memory;
  /** The hot modules of its units. */
  readonly modules: HotModules;
  /** The sanitizer, on a host with `iotlbCheck`. */
  readonly sanitizer: HostSanitizer | undefined;
  /** What each of its SMMUs is made of. */
  readonly smmus: readonly SmmuShape[];
  /**
   * Takes a VM in. The board destroys it with its machine.
   * @throws {HostError} when the host has as many as it can have.
   */
  createVm(
    name: string,
    memory: WebAssembly.Memory,
    regions: readonly MemoryRegion[],
    options?: VmOptions,
  ): Vm;
  /** Gives back all that a VM was lent. Its machine has ended. */
  destroyVm(vm: Vm): void;
  /**
   * Gives a VM a vIOMMU.
   * @param streams StreamIDs as the guest numbers them.
   * @throws {HostError | IommufdError} when something is exhausted.
   */
  createViommu(vm: Vm, streams: readonly number[], options?: CreateViommuOptions): NestedSmmu;
  /**
   * Lends the CMDQV of a vIOMMU that was created with one.
   * @throws {HostError} when it was not.
   */
  createVintf(viommu: NestedSmmu): LentVintf;
  /** The way to memory of the device behind one of a VM's streams. */
  dmaPort(viommu: NestedSmmu, virtSid: number, requesterId?: number): DmaPort;
  /** A vCPU of a VM enters or leaves the guest. */
  vcpuRuns(vm: Vm, vcpu: number, runs: boolean): void;
  /**
   * Gives a thread block to a further unit of a VM.
   * @throws {HostError} when all are taken.
   */
  allocateThread(): number;
  /** Takes it back: its thread has ended. */
  freeThread(thread: number): void;
  /**
   * The host's work at a safe point.
   * @param full looks at everything: at yields and waits, not at each exit.
   */
  service(full: boolean): void;
}
