// SPDX-License-Identifier: MIT
// A guest's VT-d IOMMU, managed by software: a store to IQT is an exit, and the VMM
// applies the guest's descriptors. Guest memory is read once and never trusted.

import { VTD_FSTS, VTD_IQH, VTD_REGION_SIZE } from '../../assembly/layout/vtd-formats.ts';
import {
  type Device,
  type DeviceHost,
  type DeviceState,
  type GuestMemory,
  type MmioAccess,
  PLUGIN_INTERFACE_VERSION,
  stateFields,
  unnamedRegister,
} from '../plugin/index.ts';
import type { Invalidation, PageRange } from './invalidation-descriptors.ts';
import { VtdRegisters } from './vtd-registers.ts';
import { type PasidEntry, pasidEntryOf } from './vtd-structures.ts';

/** Kind in a Wasm guest's device table: "VTD1". */
export const VTD_KIND = 0x31445456;

/** Descriptors of one service: each may need several calls of iommufd. */
const MOST_DESCRIPTORS = 4;

/** The VMM's side of a guest's VT-d IOMMU. */
export interface VtdBackend {
  /** Devices of the guest, as numbered by it. */
  readonly sourceIds: readonly number[];
  /**
   * The guest's PASID table entry of a device was read again. 'untranslated': the guest's
   * IOMMU is disabled; undefined: it has no entry that is present and supported.
   */
  attach(sourceId: number, entry: PasidEntry | 'untranslated' | undefined): void;
  /** Drops IOTLB entries of one of the guest's domain IDs. */
  invalidate(did: number, range: PageRange | undefined): void;
  /** Drops entries of a device's TLB. False when the guest has no such device. */
  invalidateDeviceTlb(sourceId: number, range: PageRange | undefined): boolean;
}

export class VirtualVtd implements Device {
  readonly name = 'vtd';
  readonly interfaceVersion = PLUGIN_INTERFACE_VERSION;
  readonly identity = { kind: VTD_KIND, interrupts: 0, busMaster: false };
  readonly regions = [{ name: 'vtd', size: VTD_REGION_SIZE, accessSizes: [4, 8] as const }];
  readonly #backend: VtdBackend;
  readonly #registers: VtdRegisters;
  #memory: GuestMemory | undefined;

  constructor(backend: VtdBackend) {
    this.#backend = backend;
    this.#registers = new VtdRegisters({
      load64: (gpa) => this.#memory?.load64(gpa),
      carryOut: (what) => this.#carryOut(what),
      most: MOST_DESCRIPTORS,
    });
  }

  attach(host: DeviceHost): void {
    this.#memory = host.memory;
    host.background({ name: this.name, poll: () => this.#registers.serve() });
  }

  reset(): void {
    this.#registers.file.reset();
    this.#readEntries();
  }

  // Software that waits for the queue polls IQH, or the status address of a wait
  // descriptor.
  read(access: MmioAccess): void {
    if (access.offset === VTD_IQH) this.#registers.serve();
    this.#registers.file.read(access);
  }

  write(access: MmioAccess): void {
    if (access.offset === VTD_FSTS) {
      this.#registers.acknowledge(access.lo);
      return;
    }
    this.#registers.file.write(access);
    const { root } = this.#registers;
    this.#registers.written(access.offset);
    // Translation was enabled or disabled, or the root table changed.
    if (this.#registers.root !== root) this.#readEntries();
  }

  #readEntries(): void {
    const { root } = this.#registers;
    const memory = this.#memory;
    for (const sourceId of this.#backend.sourceIds) {
      const entry =
        root === undefined || !memory
          ? 'untranslated'
          : pasidEntryOf((gpa) => memory.load64(Number(gpa)), root, sourceId);
      this.#backend.attach(sourceId, entry);
    }
  }

  #carryOut(what: Invalidation): boolean {
    switch (what.kind) {
      case 'context':
      case 'pasid-cache':
        this.#readEntries();
        return true;
      case 'domain':
        this.#backend.invalidate(what.did, undefined);
        return true;
      case 'pasid':
        this.#backend.invalidate(what.did, what.range);
        return true;
      case 'device-tlb':
        return this.#backend.invalidateDeviceTlb(what.sourceId, what.range);
      case 'wait':
        return (
          what.address === undefined || !!this.#memory?.store32(Number(what.address), what.data)
        );
    }
  }

  save(): DeviceState {
    return { registers: this.#registers.file.save() };
  }

  restore(state: DeviceState): void {
    this.#registers.file.restore(stateFields(state, 'registers').registers);
    this.#readEntries();
  }

  registerName(region: number, offset: number): string {
    return this.#registers.file.nameAt(offset) ?? unnamedRegister(this.regions[region], offset);
  }
}
