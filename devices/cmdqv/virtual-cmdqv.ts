// SPDX-License-Identifier: MIT
// The CMDQV in the guest's role: one VINTF that a host has lent to the machine. Registers
// that would give power over others are wired to zero (HYP_OWN), or are shadows that read
// back and change nothing (VMID, the SID pairs, the owner fields of CMDQ_ALLOC).

import {
  CMDQ_ALLOC_ALLOCATED,
  CMDQV_CMDQ_ALLOC,
  CMDQV_CONFIG,
  CMDQV_DIRECT_PAGE1,
  CMDQV_LOGICAL_PAGE0,
  CMDQV_PAGE_SIZE,
  CMDQV_VINTF,
  VCMDQ_BASE,
  VCMDQ_BASE_LOG2SIZE,
  VCMDQ_CONFIG,
  VCMDQ_STRIDE,
  VINTF_CONFIG,
  VINTF_CONFIG_EN,
} from '../../assembly/layout/cmdqv-registers.ts';
import { ABI_KIND_CMDQV } from '../../assembly/layout/guest-abi.ts';
import {
  bitsOf,
  type Device,
  type DeviceHost,
  type DeviceRegion,
  type DeviceState,
  type DirectMap,
  type InterruptLine,
  type MmioAccess,
  PLUGIN_INTERFACE_VERSION,
  stateFields,
  unnamedRegister,
} from '../plugin/index.ts';
import { checkOptions, having, nonEmpty, type OptionKinds } from '../plugin/option-kinds.ts';
import { cmdqvRegionSize, type VcmdqAddress, vcmdqAddress } from './address.ts';
import { GlobalPage } from './global-page.ts';
import type { VintfBackend } from './vintf-backend.ts';
import { VirtualSlots } from './virtual-slots.ts';

/** What a `VirtualCmdqv` is built from. */
export interface VirtualCmdqvOptions {
  /** The VINTF on loan. */
  readonly backend: VintfBackend;
  /** Unique in its machine. Default `cmdqv`. */
  readonly name?: string;
}

const OPTIONS: OptionKinds<VirtualCmdqvOptions> = {
  backend: having(
    'queue',
    'setEnabled',
    'allocateQueue',
    'freeQueue',
    'mapPage0',
    'unmapPage0',
    'readPage0',
    'writePage0',
    'onError',
  ),
  name: nonEmpty,
};

/** A guest's CMDQV: one VINTF that is lent to it, through a `VintfBackend`. */
export class VirtualCmdqv implements Device {
  readonly name: string;
  readonly interfaceVersion = PLUGIN_INTERFACE_VERSION;
  readonly identity = { kind: ABI_KIND_CMDQV, interrupts: 1, busMaster: false };
  readonly regions: readonly DeviceRegion[] = [
    { name: 'cmdqv', size: cmdqvRegionSize(1), accessSizes: [4, 8] },
  ];
  readonly #backend: VintfBackend;
  readonly #global: GlobalPage;
  #host: DeviceHost | undefined;
  #line: InterruptLine | undefined;
  #map: DirectMap | undefined;
  private readonly slots: VirtualSlots;
  /** VINTF and CMDQV are both enabled, and the backend has been told. */
  private active = false;

  /**
   * @throws {RangeError} when the backend's number of LVCMDQs is not a power of two up to
   *   128.
   * @throws {TypeError} when an option is unknown or missing.
   */
  constructor(options: VirtualCmdqvOptions) {
    checkOptions(options, OPTIONS, 'VirtualCmdqv', ['backend']);
    const { backend, name = 'cmdqv' } = options;
    this.name = name;
    this.#backend = backend;
    this.slots = new VirtualSlots(backend);
    const hasError = (slot: number) => slot < this.slots.count && this.slots.hasError(slot);
    this.#global = new GlobalPage(
      { vintfs: 1, vcmdqs: backend.lvcmdqCount, hypOwnWritable: false },
      { vcmdqHasError: hasError, lvcmdqHasError: (_vintf, lvcmdq) => hasError(lvcmdq) },
    );
  }

  attach(host: DeviceHost): void {
    this.#host = host;
    this.#line = host.interruptLine(0);
    this.#backend.onError((lvcmdq) => {
      if (lvcmdq < this.slots.count) this.#raise();
    });
  }

  /**
   * Every new error raises its own edge. An error that occurs while VINTF_INT_MASK is set
   * raises none, then or later.
   */
  #raise(): void {
    if (!this.#global.interruptMasked(0)) this.#line?.pulse();
  }

  reset(): void {
    this.#deactivate();
    this.#global.registers.reset();
    this.slots.reset();
  }

  read(access: MmioAccess): void {
    const lo = this.#readWord(access.offset);
    access.hi = access.size === 8 ? this.#readWord(access.offset + 4) : 0;
    access.lo = lo;
  }

  #readWord(offset: number): number {
    const at = vcmdqAddress(offset);
    if (!at) return this.#global.read(offset);
    if (at.slot >= this.slots.count) return 0;
    return at.page === 0
      ? this.slots.read(at.slot, at.register)
      : this.#global.page1(at.slot, at.register).lo;
  }

  write(access: MmioAccess): void {
    const at = vcmdqAddress(access.offset);
    if (!at) {
      const wasEnabled = this.#global.enabled;
      this.#global.registers.write(access);
      if (wasEnabled && !this.#global.enabled) this.#stop();
      this.#globalWritten(access.offset);
      if (access.size === 8) this.#globalWritten(access.offset + 4);
    } else if (at.slot < this.slots.count) {
      if (at.page === 1) {
        this.#writePage1(access, at);
      } else {
        this.#writePage0(at.slot, at.register, access.lo);
        if (access.size === 8) this.#writePage0(at.slot, at.register + 4, access.hi);
      }
    }
  }

  #globalWritten(offset: number): void {
    const slot = (offset - CMDQV_CMDQ_ALLOC) / 4;
    if (slot >= 0 && slot < this.slots.count) this.#slotChanged(slot);
    else if (offset === CMDQV_CONFIG || offset === CMDQV_VINTF + VINTF_CONFIG)
      this.#enablesChanged();
  }

  #writePage0(slot: number, register: number, value: number): void {
    this.slots.write(slot, register, value);
    // The guest enables a queue that could be allocated now but has no ring: only a BASE
    // write could ever start it.
    if (
      register === VCMDQ_CONFIG &&
      value & 1 &&
      this.active &&
      !this.slots.isBacked(slot) &&
      this.#allocated(slot)
    )
      this.#initError(slot);
  }

  /** A new ring replaces the old one, with a new HW queue for the slot. */
  #writePage1(access: MmioAccess, { slot, register }: VcmdqAddress): void {
    const before = this.#global.page1(slot, VCMDQ_BASE);
    this.#global.registers.write({
      ...access,
      offset: CMDQV_DIRECT_PAGE1 + slot * VCMDQ_STRIDE + register,
    });
    if (register >= VCMDQ_BASE + 8) return;
    const after = this.#global.page1(slot, VCMDQ_BASE);
    this.#slotChanged(slot, before.lo !== after.lo || before.hi !== after.hi);
  }

  #allocated(slot: number): boolean {
    return (
      bitsOf(this.#global.registers.get(CMDQV_CMDQ_ALLOC + 4 * slot), CMDQ_ALLOC_ALLOCATED) === 1
    );
  }

  /**
   * True when the guest has requested a HW queue: the slot is allocated and has a ring.
   */
  #wanted(slot: number): boolean {
    const { lo, hi } = this.#global.page1(slot, VCMDQ_BASE);
    return this.#allocated(slot) && (lo !== 0 || hi !== 0);
  }

  #enabled(): boolean {
    return this.#global.enabled && bitsOf(this.#global.vintfConfig(0), VINTF_CONFIG_EN) === 1;
  }

  /** CONFIG.EN or VINTF_CONFIG.EN was written. */
  #enablesChanged(): void {
    if (this.#enabled() === this.active) return;
    if (this.active) {
      this.#deactivate();
      return;
    }
    this.#activate();
    for (let slot = 0; slot < this.slots.count; slot++)
      if (this.#wanted(slot) && !this.#allocateQueue(slot)) this.#initError(slot);
    this.#updateMap();
  }

  /**
   * CMDQV_EN was cleared. When it is set again, no VCMDQ is enabled or has its former
   * ring.
   */
  #stop(): void {
    this.#deactivate();
    this.slots.stop();
    this.#global.clearBases();
  }

  /** ALLOCATED or BASE of a slot was written; `moved` when the ring has changed. */
  #slotChanged(slot: number, moved = false): void {
    if (!this.active) return;
    const backed = this.slots.backedCount;
    if (moved || !this.#wanted(slot)) this.slots.freeFrom(slot);
    if (this.#wanted(slot) && !this.slots.isBacked(slot) && !this.#allocateQueue(slot))
      this.#initError(slot);
    // The slots above lost their HW queues too, or were waiting for this one. They were
    // not written, so one that gets no HW queue now reports no error.
    for (let above = slot + 1; above < this.slots.count; above++) {
      const due = above < backed || this.slots.isBacked(above - 1);
      if (due && this.#wanted(above) && !this.slots.isBacked(above)) this.#allocateQueue(above);
    }
    this.#updateMap();
  }

  #activate(): void {
    this.active = true;
    this.#backend.setEnabled(true);
  }

  #deactivate(): void {
    if (!this.active) return;
    this.#unmap();
    this.slots.freeFrom(0);
    this.#backend.setEnabled(false);
    this.active = false;
  }

  /**
   * Allocates a HW queue for a slot. iommufd requires ascending order without a gap; an
   * allocation out of order fails.
   */
  #allocateQueue(slot: number): boolean {
    const { lo, hi } = this.#global.page1(slot, VCMDQ_BASE);
    const log2size = bitsOf(lo, VCMDQ_BASE_LOG2SIZE);
    const inTurn = slot === 0 || this.slots.isBacked(slot - 1);
    return inTurn && this.slots.allocate(slot, hi * 2 ** 32 + ((lo & ~0x1f) >>> 0), log2size);
  }

  #initError(slot: number): void {
    if (this.slots.raiseInitError(slot)) this.#raise();
  }

  #updateMap(): void {
    if (this.slots.backedCount === 0) {
      this.#unmap();
    } else if (!this.#map) {
      this.#map = this.#host?.mapDirect({
        region: 0,
        offset: CMDQV_LOGICAL_PAGE0,
        length: CMDQV_PAGE_SIZE,
        doorbell: this.#backend.doorbellId,
      });
      if (this.#map) this.slots.map(this.#map.memoryOffset);
    }
  }

  #unmap(): void {
    if (!this.#map) return;
    this.#map.unmap();
    this.#map = undefined;
    this.slots.unmap();
  }

  save(): DeviceState {
    return { registers: this.#global.registers.save(), slots: this.slots.save() };
  }

  restore(state: DeviceState): void {
    const fields = stateFields(state, 'registers', 'slots');
    const slots = this.slots.check(fields.slots);
    this.#global.registers.restore(fields.registers);
    this.#deactivate();
    this.slots.restore(slots);
    if (!this.#enabled()) return;
    this.#activate();
    // Only queues that ran before run again. A failure has been reported already, and is
    // retried at the guest's next write.
    for (let slot = 0; slots.backed[slot] === 1 && this.#wanted(slot); slot++)
      if (!this.#allocateQueue(slot)) this.#initError(slot);
    this.#updateMap();
  }

  registerName(region: number, offset: number): string {
    return this.#global.nameAt(offset) ?? unnamedRegister(this.regions[region], offset);
  }
}
