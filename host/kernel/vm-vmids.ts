// VMIDs of VMs: what their vCPUs run under, and what their stages 2 have.

import { HOST_AT_VCPU_VMIDS } from '../../assembly/layout/host-memory.ts';
import type { ResourceGate } from '../iommufd/index.ts';
import type { Vm } from './vm.ts';
import { type PinnedVmid, VmidAllocator, type VmidAllocatorOptions } from './vmid-allocator.ts';

export class VmVmids {
  readonly allocator: VmidAllocator;
  readonly #gate: ResourceGate;
  readonly #words: Int32Array;
  /** VMs that have a stage 2 with the VMID of their vCPUs. */
  readonly #stage2Owners = new Set<Vm>();

  /** `hostMemory` has a word for each window, in which broadcast TLB maintenance finds the VMID. */
  constructor(hostMemory: WebAssembly.Memory, options: VmidAllocatorOptions, gate: ResourceGate) {
    this.allocator = new VmidAllocator(options);
    this.#gate = gate;
    this.#words = new Int32Array(hostMemory.buffer);
  }

  /**
   * A VMID for a stage 2. The first of a VM says what the VM's vCPUs run under; another
   * one of the same VM has other tables, and so a VMID of its own.
   */
  pin(vm: Vm | undefined): PinnedVmid {
    const shared = vm !== undefined && !this.#stage2Owners.has(vm);
    this.#gate('allocation', 'VMID');
    const holder = shared ? vm.vmid : VmidAllocator.holder();
    const vmid = this.allocator.pin(holder);
    if (shared) this.#stage2Owners.add(vm);
    return {
      vmid,
      sharedWith: shared ? vm : undefined,
      unpin: () => {
        this.allocator.unpin(holder);
        if (shared) this.#stage2Owners.delete(vm);
      },
    };
  }

  /**
   * A vCPU of a VM comes to run, or runs no more. While any does, the VM's VMID stays,
   * and it is what broadcast TLB maintenance of the VM's vCPUs means.
   * @throws {HostError} when all VMIDs are pinned or running.
   */
  vcpuRuns(vm: Vm, vcpu: number, runs: boolean): void {
    const { running, unit, window } = vm;
    if (runs) running.add(vcpu);
    else running.delete(vcpu);
    const word = (HOST_AT_VCPU_VMIDS >> 2) + window;
    if (!runs && running.size === 0) {
      Atomics.store(this.#words, word, 0);
      this.allocator.put(unit.thread);
    } else if (runs && running.size === 1) {
      Atomics.store(this.#words, word, this.allocator.load(unit.thread, vm.vmid));
    }
  }
}
