// SPDX-License-Identifier: MIT
// The host's AMD IOMMU: its registers, VFCTRL and the VF page of each GuestID.
// Translation, commands and event logs are in assembly/amd-iommu; this model copies the
// registers to host memory for them.

import { AMD_AT_DEVICE_TABLE, AMD_AT_ENABLED } from '../../assembly/layout/amd-block.ts';
import {
  AMD_COMMAND_BASE,
  AMD_COMMAND_TAIL,
  AMD_CONTROL,
  AMD_CONTROL_IOMMU_EN,
  AMD_DEVICE_TABLE_BASE,
  AMD_EVENT_BASE,
  AMD_EVENT_HEAD,
  AMD_GUESTS,
  AMD_POINTERS_SIZE,
  AMD_PPR_BASE,
  AMD_PPR_HEAD,
  AMD_PPR_TAIL,
  AMD_REGION_SIZE,
  AMD_STATUS,
  AMD_VF_PAGE,
  AMD_VF_PAGE_SIZE,
} from '../../assembly/layout/amd-formats.ts';
import { ABI_KIND_AMD_IOMMU } from '../../assembly/layout/guest-abi.ts';
import { NO_OFFSET } from '../../assembly/layout/guest-port-results.ts';
import { HOST_AT_RAM_BASE, HOST_AT_RAM_SIZE } from '../../assembly/layout/host-memory.ts';
import {
  SMMU_AT_TLB,
  TLB_ENTRY_SIZE,
  TLB_META,
  TLB_SETS,
  TLB_WAYS,
} from '../../assembly/layout/iotlb-memory.ts';
import {
  bitsOf,
  type Device,
  type DeviceHost,
  type DeviceState,
  type InterruptLine,
  type MmioAccess,
  PLUGIN_INTERFACE_VERSION,
  plainStateLike,
  RegisterFile,
  stateFields,
  unnamedRegister,
} from '../plugin/index.ts';
import { smmuBase } from '../unit/index.ts';
import {
  type AmdBuffer,
  amdRegisters,
  BUFFER_ENABLES,
  bufferAt,
  bufferSize,
  interruptWanted,
} from './amd-register-specs.ts';
import type { AmdUnit } from './amd-unit.ts';
import { AmdVfctrl, VFCTRL_SIZE } from './amd-vfctrl.ts';
import { AmdGuestBlock } from './guest-block.ts';

/** Regions: registers, VFCTRL, VF pages. */
const REGISTERS = 0;
const VFCTRL = 1;
const POINTER_NAMES = [
  'CommandHead',
  'CommandTail',
  'EventHead',
  'EventTail',
  'Status',
  undefined,
  'PprHead',
  'PprTail',
] as const;

export interface PhysicalAmdIommuOptions {
  /** The unit of the host itself. */
  readonly unit: AmdUnit;
  /** The unit of a window's VM. */
  unitOf(window: number): AmdUnit | undefined;
}

/** Name of a register of the third page. */
export function pointerName(offset: number): string | undefined {
  const name = POINTER_NAMES[Math.floor((offset % AMD_VF_PAGE_SIZE) / 8)];
  return name && offset % 8 >= 4 ? `${name}[63:32]` : name;
}

export class PhysicalAmdIommu implements Device {
  readonly name = 'amd-iommu-host';
  readonly interfaceVersion = PLUGIN_INTERFACE_VERSION;
  readonly identity = { kind: ABI_KIND_AMD_IOMMU, interrupts: 1, busMaster: false };
  readonly regions = [
    { name: 'amd-iommu-host', size: AMD_REGION_SIZE, accessSizes: [4, 8] as const },
    { name: 'amd-vfctrl', size: VFCTRL_SIZE, accessSizes: [4, 8] as const },
    { name: 'amd-vf', size: AMD_GUESTS * AMD_VF_PAGE_SIZE, accessSizes: [4, 8] as const },
  ];
  /** Indexed by GuestID. */
  readonly guests: readonly AmdGuestBlock[];
  readonly #options: PhysicalAmdIommuOptions;
  readonly #words: Int32Array;
  #host: DeviceHost | undefined;
  #line: InterruptLine | undefined;
  private readonly registers: RegisterFile = new RegisterFile(
    AMD_REGION_SIZE,
    amdRegisters('host'),
  );
  private readonly vfctrl: AmdVfctrl = new AmdVfctrl();

  constructor(options: PhysicalAmdIommuOptions) {
    this.#options = options;
    this.#words = new Int32Array(options.unit.hostMemory.buffer);
    this.guests = Array.from(
      { length: AMD_GUESTS },
      (_, guest) => new AmdGuestBlock(options.unit.hostMemory, guest),
    );
  }

  attach(host: DeviceHost): void {
    this.#host = host;
    this.#line = host.interruptLine(0);
    host.background({ name: this.name, poll: () => this.#poll() });
  }

  reset(): void {
    this.registers.reset();
    this.vfctrl.reset();
    for (const guest of this.guests) guest.reset();
    const entries = smmuBase(0) + SMMU_AT_TLB;
    for (let way = 0; way < TLB_SETS * TLB_WAYS; way++)
      Atomics.store(this.#words, (entries + way * TLB_ENTRY_SIZE + TLB_META) >> 2, 0);
    this.#publish();
    this.#poll();
  }

  #block(guest: number): AmdGuestBlock {
    const block = this.guests[guest];
    if (!block) throw new RangeError(`there is no GuestID ${guest}`);
    return block;
  }

  /** Publishes the register values that the hot code reads. */
  #publish(): void {
    const base = smmuBase(0);
    Atomics.store(
      this.#words,
      (base + AMD_AT_DEVICE_TABLE) >> 2,
      this.registers.get(AMD_DEVICE_TABLE_BASE) | 0,
    );
    Atomics.store(
      this.#words,
      (base + AMD_AT_DEVICE_TABLE + 4) >> 2,
      this.registers.get(AMD_DEVICE_TABLE_BASE + 4) | 0,
    );
    Atomics.store(
      this.#words,
      (base + AMD_AT_ENABLED) >> 2,
      bitsOf(this.registers.get(AMD_CONTROL), AMD_CONTROL_IOMMU_EN),
    );
  }

  #poll(): number {
    const host = this.#block(0);
    this.#line?.setLevel(interruptWanted(host.status, host.control));
    return 0;
  }

  /**
   * Byte offset of a command buffer in the memory of its window; 0 unless all of it is
   * there.
   */
  #ringOffset(guest: number, buffer: AmdBuffer): number {
    const window = Math.floor(buffer.address / 2 ** 32);
    const address = buffer.address % 2 ** 32;
    if ((window === 0) !== (guest === 0)) return 0;
    if (window === 0) {
      const size = this.#words[HOST_AT_RAM_SIZE >> 2] ?? 0;
      return address + bufferSize(buffer) <= size
        ? (this.#words[HOST_AT_RAM_BASE >> 2] ?? 0) + address
        : 0;
    }
    const offset =
      this.#options.unitOf(window)?.port.resolveGpa(address, 0, bufferSize(buffer)) ?? NO_OFFSET;
    return offset >>> 0 === NO_OFFSET ? 0 : offset >>> 0;
  }

  #setCommandBuffer(guest: number, buffer: AmdBuffer | undefined): void {
    const window = Math.floor((buffer?.address ?? 0) / 2 ** 32);
    const offset = buffer ? this.#ringOffset(guest, buffer) : 0;
    this.#block(guest).setCommandBuffer(
      window,
      buffer?.address ?? 0,
      offset,
      buffer?.log2size ?? 0,
    );
  }

  /** Serves a GuestID's command buffer, by the unit that reaches the guest's memory. */
  #serve(guest: number): void {
    const { window } = this.#block(guest);
    const unit = window === 0 ? this.#options.unit : this.#options.unitOf(window);
    unit?.drain.serve(smmuBase(0), guest);
  }

  read(access: MmioAccess): void {
    if (access.region === VFCTRL) this.vfctrl.read(access);
    else if (access.region === REGISTERS && access.offset < AMD_VF_PAGE)
      this.registers.read(access);
    else this.#readPointer(access);
  }

  /** GuestID of an access to pointers; -1 for an access to other registers. */
  #guestOf({ region, offset }: MmioAccess): number {
    const page = Math.floor(offset / AMD_VF_PAGE_SIZE);
    if (region !== REGISTERS) return page;
    return page === AMD_VF_PAGE / AMD_VF_PAGE_SIZE ? 0 : -1;
  }

  /**
   * Reads the third page or a VF page: pointers and status, each 64 bits wide with the
   * upper 32 at 0.
   */
  #readPointer(access: MmioAccess): void {
    const block = this.guests[this.#guestOf(access)];
    const offset = access.offset % AMD_VF_PAGE_SIZE;
    access.hi = 0;
    access.lo = 0;
    if (!block || offset % 8 !== 0) return;
    if (offset < AMD_POINTERS_SIZE) access.lo = block.readPointer(AMD_VF_PAGE + offset);
    else if (offset === AMD_STATUS - AMD_VF_PAGE) access.lo = block.status;
    else if (offset === AMD_PPR_HEAD - AMD_VF_PAGE) access.lo = block.pprHead;
    else if (offset === AMD_PPR_TAIL - AMD_VF_PAGE) access.lo = block.pprTail;
  }

  /** The head of a command buffer and the tail of a log are written by the IOMMU only. */
  #writePointer(access: MmioAccess): void {
    const guest = this.#guestOf(access);
    const block = this.guests[guest];
    const register = AMD_VF_PAGE + (access.offset % AMD_VF_PAGE_SIZE);
    if (!block) return;
    if (register === AMD_COMMAND_TAIL || register === AMD_EVENT_HEAD)
      block.writePointer(register, access.lo);
    if (register === AMD_COMMAND_TAIL) this.#serve(guest);
    if (register === AMD_PPR_HEAD) block.pprHead = access.lo;
    if (register === AMD_STATUS) block.clearStatus(access.lo);
    this.#poll();
  }

  write(access: MmioAccess): void {
    if (access.region === VFCTRL) this.#writeVfctrl(access);
    else if (access.region === REGISTERS && access.offset < AMD_VF_PAGE)
      this.#writeRegister(access);
    else this.#writePointer(access);
  }

  #writeRegister(access: MmioAccess): void {
    const before = this.#buffers(0);
    // A write to a log's base restarts the log, even with the same base: its driver then
    // assumes that it is empty.
    if (access.offset === AMD_EVENT_BASE) before[1] = undefined;
    if (access.offset === AMD_PPR_BASE) before[2] = undefined;
    this.registers.write(access);
    this.#publish();
    this.#applyBuffers(0, before);
    this.#poll();
  }

  /** Command buffer, event log and PPR log of a GuestID, from its registers. */
  #buffers(guest: number): (AmdBuffer | undefined)[] {
    if (guest === 0)
      return [AMD_COMMAND_BASE, AMD_EVENT_BASE, AMD_PPR_BASE].map((register) =>
        bufferAt(this.registers, register),
      );
    return this.vfctrl.buffers(guest);
  }

  /** Applies the configuration of a GuestID that does not concern its buffers. */
  #configure(guest: number): void {
    const block = this.#block(guest);
    block.setTables(this.vfctrl.tables(guest));
    block.setTranslateDevice(this.vfctrl.translateDevice(guest));
  }

  /**
   * Restarts buffers that have moved; serves the command buffer when its enables have
   * changed.
   */
  #applyBuffers(guest: number, before: readonly (AmdBuffer | undefined)[]): void {
    const block = this.#block(guest);
    const control = this.#control(guest);
    const [command, log, ppr] = this.#buffers(guest);
    const moved = (a: AmdBuffer | undefined, b: AmdBuffer | undefined) =>
      a?.address !== b?.address || a?.log2size !== b?.log2size;
    if (moved(command, before[0])) this.#setCommandBuffer(guest, command);
    if (moved(log, before[1])) block.setEventLog(log?.address ?? 0, log?.log2size ?? 0);
    if (moved(ppr, before[2])) block.setPprLog(ppr?.address ?? 0, ppr?.log2size ?? 0);
    if (control === block.control) return;
    block.control = control;
    this.#serve(guest);
  }

  #writeVfctrl(access: MmioAccess): void {
    const guest = AmdVfctrl.guestOf(access);
    const before = this.#buffers(guest);
    this.vfctrl.write(access);
    if (guest === 0 || guest >= AMD_GUESTS) return;
    this.#configure(guest);
    this.vfctrl.map(access, this.#host?.memory);
    this.#applyBuffers(guest, before);
  }

  /** Enables of a GuestID's buffers, from its registers. */
  #control(guest: number): number {
    return guest === 0
      ? this.registers.get(AMD_CONTROL) & BUFFER_ENABLES
      : this.vfctrl.control(guest);
  }

  save(): DeviceState {
    return {
      registers: this.registers.save(),
      vfctrl: this.vfctrl.save(),
      guests: this.guests.map((guest) => ({ words: guest.saveBuffers() })),
    };
  }

  restore(state: DeviceState): void {
    const { registers, vfctrl, guests } = stateFields(state, 'registers', 'vfctrl', 'guests');
    if (!Array.isArray(guests) || guests.length !== AMD_GUESTS)
      throw new TypeError('the state is not of this device: its guests');
    const buffers = this.guests.map((guest, i) =>
      plainStateLike({ words: guest.saveBuffers() }, guests[i]),
    );
    this.registers.check(registers);
    this.vfctrl.check(vfctrl);
    this.reset();
    this.registers.restore(registers);
    this.vfctrl.restore(vfctrl);
    this.#publish();
    this.guests.forEach((block, guest) => {
      if (guest !== 0) this.#configure(guest);
      this.#applyBuffers(guest, []);
      block.restoreBuffers(buffers[guest]?.words ?? []);
    });
    this.#poll();
  }

  registerName(region: number, offset: number): string {
    const name = (() => {
      if (region === VFCTRL) return this.vfctrl.nameAt(offset);
      if (region === REGISTERS && offset < AMD_VF_PAGE) return this.registers.nameAt(offset);
      const pointer =
        region !== REGISTERS || offset < AMD_VF_PAGE + AMD_VF_PAGE_SIZE
          ? pointerName(offset)
          : undefined;
      return pointer && region !== REGISTERS
        ? `${pointer}(${Math.floor(offset / AMD_VF_PAGE_SIZE)})`
        : pointer;
    })();
    return name ?? unnamedRegister(this.regions[region], offset);
  }
}
