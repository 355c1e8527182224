// SPDX-License-Identifier: MIT
// VMIDs of VMs: those of their vCPUs and those of their stage 2 tables.

import { HOST_AT_VCPU_VMIDS } from '../../assembly/layout/host-memory.ts';
import type { ResourceGate } from '../iommufd/index.ts';
import type { Vm } from './vm.ts';
import {
  type PinnedVmid,
  VmidAllocator,
  type VmidAllocatorOptions,
  type VmidHolder,
} from './vmid-allocator.ts';

export class VmVmids {
  readonly allocator: VmidAllocator;
  readonly #gate: ResourceGate;
  readonly #words: Int32Array;
  /** VMs that have a stage 2 with the VMID of their vCPUs. */
  readonly #stage2Owners = new Set<Vm>();
  /**
   * VMs whose own VMID is charged to their account, from its first use until the VM is
   * removed.
   */
  readonly #payers = new Set<Vm>();
  /** An injected fault: VMIDs of vCPUs that are not those of stage 2. */
  readonly #separate:
    | { readonly allocator: VmidAllocator; readonly vms: WeakMap<Vm, VmidHolder> }
    | undefined;

  /**
   * @param hostMemory has a word for each window, in which broadcast TLB maintenance
   *   finds the VMID.
   * @param separate an injected fault: vCPUs run under VMIDs of their own, the first of
   *   which belongs to a VM without devices.
   */
  constructor(
    hostMemory: WebAssembly.Memory,
    options: VmidAllocatorOptions,
    gate: ResourceGate,
    separate = false,
  ) {
    this.allocator = new VmidAllocator(options);
    if (separate) {
      this.#separate = { allocator: new VmidAllocator(options), vms: new WeakMap() };
      this.#separate.allocator.pin(VmidAllocator.holder());
    }
    this.#gate = gate;
    this.#words = new Int32Array(hostMemory.buffer);
  }

  /**
   * Pins a VMID for a stage 2. The first stage 2 of a VM has the VMID of the VM's vCPUs;
   * another one of the same VM has other tables, and so a VMID of its own.
   * @throws {HostError} when no more can be pinned, or at the limit of the VM's account.
   */
  pin(vm: Vm | undefined): PinnedVmid {
    const shared = vm !== undefined && !this.#stage2Owners.has(vm);
    this.#gate('allocation', 'VMID');
    const holder = shared ? vm.vmid : VmidAllocator.holder();
    const { result: vmid, release } = this.#charged(vm, shared, () => this.allocator.pin(holder));
    if (shared) this.#stage2Owners.add(vm);
    return {
      vmid,
      sharedWith: shared ? vm : undefined,
      unpin: () => {
        this.allocator.unpin(holder);
        if (!shared) release();
        if (shared) this.#stage2Owners.delete(vm);
      },
    };
  }

  /**
   * A vCPU of a VM enters or leaves the guest. While any vCPU is in the guest, the VM
   * keeps its VMID, which is the one that broadcast TLB maintenance of its vCPUs applies
   * to.
   * @throws {HostError} when all VMIDs are pinned or running, or at the limit of the VM's
   *   account; the vCPU does not enter the guest then.
   */
  vcpuRuns(vm: Vm, vcpu: number, runs: boolean): void {
    const { running, unit, window } = vm;
    const word = (HOST_AT_VCPU_VMIDS >> 2) + window;
    const allocator = this.#separate?.allocator ?? this.allocator;
    if (runs) {
      if (running.size === 0) {
        const vmid = this.#charged(vm, true, () => allocator.load(unit.thread, this.#vcpuVmid(vm)));
        Atomics.store(this.#words, word, vmid.result);
      }
      running.add(vcpu);
    } else if (running.delete(vcpu) && running.size === 0) {
      Atomics.store(this.#words, word, 0);
      allocator.put(unit.thread);
    }
  }

  /** The VMID that the VM's vCPUs run under: that of its first stage 2. */
  #vcpuVmid(vm: Vm): VmidHolder {
    if (!this.#separate) return vm.vmid;
    const { vms } = this.#separate;
    const own = vms.get(vm) ?? VmidAllocator.holder();
    vms.set(vm, own);
    return own;
  }

  /** Forgets a VM that was removed, and refunds its account for its VMID. */
  forget(vm: Vm): void {
    if (this.#payers.delete(vm)) vm.account?.uncharge();
  }

  /**
   * Charges a VMID to a VM's account, unless it is the VM's own and charged already.
   * Nothing is charged when the allocation fails.
   */
  #charged<T>(vm: Vm | undefined, own: boolean, allocate: () => T) {
    const payer = vm && !(own && this.#payers.has(vm)) ? vm : undefined;
    payer?.account?.charge();
    const release = () => payer?.account?.uncharge();
    try {
      const result = allocate();
      if (payer && own) this.#payers.add(payer);
      return { result, release };
    } catch (error) {
      release();
      throw error;
    }
  }
}
