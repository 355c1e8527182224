// SPDX-License-Identifier: MIT
// VMIDs of one host, which distinguish its VMs in the TLBs of its processors and its
// SMMUs. The algorithm is that of Linux's KVM (arch/arm64/kvm/vmid.c) with pinning.
//
// A VMID belongs to a generation. When the VMIDs of a generation are used up, the next
// one begins: every TLB is flushed once, and each VM gets a new VMID when it runs next.
// Two kinds of VMs keep theirs: VMs that are running at that moment (their VMID is
// reserved for their processor), and VMs whose VMID is pinned because a device's stage 2
// uses it.

import { HostError } from '../hardware/host-error.ts';
import type { VmHandle } from '../iommufd/index.ts';

/** A VM's VMID; index 0 means none yet. */
export interface VmidHolder {
  generation: number;
  index: number;
}

export interface PinnedVmid {
  readonly vmid: number;
  /** The VM whose vCPUs run under it, if any do. */
  readonly sharedWith: VmHandle | undefined;
  unpin(): void;
}

export interface VmidAllocatorOptions {
  readonly bits: 8 | 16;
  /** Processors: at most this many VMs run at once. */
  readonly cpus: number;
  /**
   * Empties the TLBs of all processors and SMMUs: at the start of each generation but the
   * first.
   */
  flush(): void;
}

export class VmidAllocator {
  readonly bits: 8 | 16;
  readonly #cpus: number;
  readonly #flush: () => void;
  #generation = 1;
  /**
   * VMIDs that this generation has allocated, or must not allocate. VMID 0 belongs to the
   * host's own domains.
   */
  readonly #taken: Uint8Array;
  /** All lower VMIDs have been allocated. */
  #cursor = 1;
  /**
   * The VMID that runs on each processor, and the one that ran there when the generation
   * began. Undefined: none since.
   */
  readonly #active: (VmidHolder | undefined)[];
  readonly #reserved: (VmidHolder | undefined)[];
  /** Number of pins of each VM with a pinned VMID. */
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

  /** The state of a VM that has no VMID yet. */
  static holder(): VmidHolder {
    return { generation: 0, index: 0 };
  }

  /** Number of the current generation, from 1. */
  get generation(): number {
    return this.#generation;
  }

  /** Number of pinned VMIDs. */
  get pinned(): number {
    return this.#pinned.size;
  }

  /**
   * Most VMIDs that can be pinned: enough remain for each processor to run with one, and
   * one to begin a generation with.
   */
  get pinnable(): number {
    return 2 ** this.bits - this.#cpus - 2;
  }

  /**
   * A vCPU of a VM enters the guest on a processor.
   * @returns the VMID that it runs under, which stays valid until `put`.
   * @throws {HostError} when all VMIDs are pinned or running.
   */
  load(cpu: number, vm: VmidHolder): number {
    this.#refresh(vm);
    this.#active[cpu] = { ...vm };
    return vm.index;
  }

  /**
   * The vCPU on the processor has left the guest; the VM keeps its VMID until the
   * generation ends.
   */
  put(cpu: number): void {
    this.#active[cpu] = undefined;
    this.#reserved[cpu] = undefined;
  }

  /**
   * Pins a VM's VMID; each call needs a matching `unpin`.
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

  /**
   * Releases one pin. Before it releases the last one, the caller must have removed the
   * VMID's entries from every SMMU.
   */
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

  /** Whether the VM keeps the VMID that it had. */
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
