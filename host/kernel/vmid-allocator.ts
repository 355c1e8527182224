// SPDX-License-Identifier: MIT
// VMIDs of one host: what tells its VMs apart in TLBs, of its processors and of its
// SMMUs. The algorithm is that of Linux's KVM (arch/arm64/kvm/vmid.c) with pinning.
//
// A VM has a VMID of a generation. When the VMIDs of a generation are used up the next
// one begins: every TLB is flushed once, and each VM is given a VMID anew when it runs
// next. Two kinds keep theirs: VMs that run at that moment (their VMID is reserved for
// their processor), and VMs whose VMID is pinned, because a device's stage 2 says it.

import { HostError } from '../hardware/host-error.ts';
import type { VmHandle } from '../iommufd/index.ts';

/** A VM's VMID; index 0 is none yet. */
export interface VmidHolder {
  generation: number;
  index: number;
}

export interface PinnedVmid {
  readonly vmid: number;
  /** The VM whose vCPUs run under it, if any does. */
  readonly sharedWith: VmHandle | undefined;
  unpin(): void;
}

export interface VmidAllocatorOptions {
  readonly bits: 8 | 16;
  /** Processors: at most so many VMs run at once. */
  readonly cpus: number;
  /** Empties the TLBs of all processors and SMMUs: at the begin of each generation but the first. */
  flush(): void;
}

export class VmidAllocator {
  readonly bits: 8 | 16;
  readonly #cpus: number;
  readonly #flush: () => void;
  #generation = 1;
  /** VMIDs that this generation has given out, or must not. VMID 0 belongs to the host's own domains. */
  readonly #taken: Uint8Array;
  /** VMIDs below have been given out. */
  #cursor = 1;
  /** What runs on each processor, and what ran there when the generation began. Undefined: nothing since. */
  readonly #active: (VmidHolder | undefined)[];
  readonly #reserved: (VmidHolder | undefined)[];
  /** VMs whose VMID is pinned, and how often. */
  readonly #pinned = new Map<VmidHolder, number>();

  constructor({ bits, cpus, flush }: VmidAllocatorOptions) {
    this.bits = bits;
    this.#cpus = cpus;
    this.#flush = flush;
    this.#taken = new Uint8Array(2 ** bits);
    this.#taken[0] = 1;
    this.#active = Array.from({ length: cpus }, () => undefined);
    this.#reserved = Array.from({ length: cpus }, () => undefined);
  }

  /** For a VM that has no VMID yet. */
  static holder(): VmidHolder {
    return { generation: 0, index: 0 };
  }

  /** Counts the generations from 1. */
  get generation(): number {
    return this.#generation;
  }

  /** VMIDs that are pinned. */
  get pinned(): number {
    return this.#pinned.size;
  }

  /**
   * Most VMIDs that can be pinned: each processor finds one to run with, and one is left
   * to begin a generation with.
   */
  get pinnable(): number {
    return 2 ** this.bits - this.#cpus - 2;
  }

  /**
   * A vCPU of a VM comes to run on a processor.
   * @returns the VMID that it runs under, which stays until `put`.
   * @throws {HostError} when all VMIDs are pinned or running.
   */
  load(cpu: number, vm: VmidHolder): number {
    this.#refresh(vm);
    this.#active[cpu] = { ...vm };
    return vm.index;
  }

  /** Nothing runs on the processor any more; the VM keeps its VMID until the generation ends. */
  put(cpu: number): void {
    this.#active[cpu] = undefined;
    this.#reserved[cpu] = undefined;
  }

  /**
   * Makes a VM's VMID stay until `unpin`, which has to be called as often.
   * @throws {HostError} when no more can be pinned: a VMID is never shared, and never 0.
   */
  pin(vm: VmidHolder): number {
    const users = this.#pinned.get(vm) ?? 0;
    if (users === 0 && this.#pinned.size >= this.pinnable) {
      throw new HostError(
        'no-vmid',
        `all ${this.pinnable} VMIDs of ${this.bits} bits that can be pinned are in use`,
      );
    }
    this.#refresh(vm);
    this.#pinned.set(vm, users + 1);
    return vm.index;
  }

  /** Takes one pin back. Behind the last, the caller has removed the VMID's entries from every SMMU. */
  unpin(vm: VmidHolder): void {
    const users = this.#pinned.get(vm) ?? 0;
    if (users > 1) this.#pinned.set(vm, users - 1);
    else this.#pinned.delete(vm);
  }

  #refresh(vm: VmidHolder): void {
    if (vm.generation === this.#generation) return;
    vm.index = this.#indexFor(vm);
    vm.generation = this.#generation;
  }

  #indexFor(vm: VmidHolder): number {
    if (vm.index !== 0 && this.#keeps(vm)) return vm.index;
    const free = this.#nextFree() ?? this.#nextGeneration();
    this.#taken[free] = 1;
    this.#cursor = free + 1;
    return free;
  }

  /** The VM goes on with the VMID that it had. */
  #keeps(vm: VmidHolder): boolean {
    let reserved = false;
    for (const kept of this.#reserved) {
      if (kept?.index !== vm.index || kept.generation !== vm.generation) continue;
      kept.generation = this.#generation;
      reserved = true;
    }
    if (reserved || this.#pinned.has(vm)) return true;
    if (this.#taken[vm.index]) return false;
    this.#taken[vm.index] = 1;
    return true;
  }

  #nextFree(): number | undefined {
    const free = this.#taken.indexOf(0, this.#cursor);
    return free < 0 ? undefined : free;
  }

  #nextGeneration(): number {
    this.#generation++;
    this.#taken.fill(0);
    this.#taken[0] = 1;
    for (const { index } of this.#pinned.keys()) this.#taken[index] = 1;
    this.#active.forEach((active, cpu) => {
      const kept = active ?? this.#reserved[cpu];
      this.#reserved[cpu] = kept;
      if (kept) this.#taken[kept.index] = 1;
      this.#active[cpu] = undefined;
    });
    this.#flush();
    this.#cursor = 1;
    const free = this.#nextFree();
    if (free === undefined)
      throw new HostError('no-vmid', `all VMIDs of ${this.bits} bits are pinned or running`);
    return free;
  }
}
