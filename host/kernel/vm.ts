// SPDX-License-Identifier: MIT
// A VM as its host's kernel sees it: memory, its window of the physical address map, and
// its unit.

import type { MemoryRegion } from '../../assembly/load.ts';
import { type MsiController, offsetOfGpa } from '../../devices/bus/index.ts';
import type { ExitRequestWords, PortUnit, Unit } from '../../devices/unit/index.ts';
import type { UserMemory, VmHandle } from '../iommufd/index.ts';
import type { VmidAccount } from './vmid-account.ts';
import { VmidAllocator } from './vmid-allocator.ts';

/** What a VM's host needs to know about its board and its guest. */
export interface VmOptions {
  /**
   * The interrupt controller of the VM's board that receives MSIs, at gpas that are not
   * RAM.
   */
  readonly msis?: MsiController | undefined;
  /**
   * Words that request an exit of its vCPUs when another thread serves its queues.
   * Default: none.
   */
  readonly exitRequest?: ExitRequestWords | undefined;
  /** The account that its VMIDs are charged to. Default: none. */
  readonly account?: VmidAccount | undefined;
}

/**
 * A guest's memory as a window of the physical address map, and its unit. `U`: the type
 * of the IOMMU's unit.
 */
export interface GuestWindow<U extends PortUnit = Unit> extends VmOptions {
  /** Number of the window, from 1. */
  readonly window: number;
  readonly memory: WebAssembly.Memory;
  readonly regions: readonly MemoryRegion[];
  readonly unit: U;
  /**
   * Its addresses are the physical ones: the guest drives the IOMMU itself. Default
   * false.
   */
  readonly isPhysical?: boolean;
}

export class Vm<U extends PortUnit = Unit> implements VmHandle, UserMemory, GuestWindow<U> {
  readonly name: string;
  readonly window: number;
  readonly memory: WebAssembly.Memory;
  readonly regions: readonly MemoryRegion[];
  readonly unit: U;
  readonly msis: MsiController | undefined;
  readonly exitRequest: ExitRequestWords | undefined;
  readonly account: VmidAccount | undefined;
  /** The VMID that its vCPUs run under. */
  readonly vmid = VmidAllocator.holder();
  /** vCPUs that are in the guest. */
  readonly running = new Set<number>();
  #references = 0;
  #stop: ((reason: string) => void) | undefined;
  #flush: (() => void) | undefined;

  constructor(
    name: string,
    window: number,
    memory: WebAssembly.Memory,
    regions: readonly MemoryRegion[],
    unit: U,
    { msis, exitRequest, account }: VmOptions = {},
  ) {
    this.name = name;
    this.window = window;
    this.memory = memory;
    this.regions = regions;
    this.unit = unit;
    this.msis = msis;
    this.exitRequest = exitRequest;
    this.account = account;
  }

  get(): void {
    this.#references++;
  }

  put(): void {
    this.#references--;
  }

  /** Number of vIOMMUs with a reference to the VM. */
  get references(): number {
    return this.#references;
  }

  /** The VM's memory for mappings into an IOAS: by gpa. */
  physical(gpa: number, length: number): number | undefined {
    return offsetOfGpa(this.regions, gpa, length) < 0
      ? undefined
      : physicalAddress(this.window, gpa);
  }

  /** Registers the function with which the host's policy stops this VM's machine. */
  onStop(stop: (reason: string) => void): void {
    this.#stop = stop;
  }

  stop(reason: string): void {
    this.#stop?.(reason);
  }

  /**
   * Registers the function that empties the TLBs and instruction caches of its
   * processors, where they have any.
   */
  onFlush(flush: () => void): void {
    this.#flush = flush;
  }

  /**
   * Empties the TLBs of its processors, whose tags contain VMIDs, when a generation of
   * VMIDs begins (`VmidAllocator`).
   */
  flushProcessors(): void {
    this.#flush?.();
  }
}

/** PA of an address in a window of the physical address map. */
export function physicalAddress(window: number, address: number): number {
  return window * 2 ** 32 + address;
}

/** Window and address of a PA. */
export function windowOf(pa: number): { readonly window: number; readonly address: number } {
  return { window: Math.floor(pa / 2 ** 32), address: pa >>> 0 };
}
