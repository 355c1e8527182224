// SPDX-License-Identifier: MIT
// VFCTRL, the second region of the host's AMD IOMMU: per GuestID, its buffers and the
// host's IDs for its DeviceIDs and DomainIDs. The registers are programmed as in Linux's
// driver (assembly/layout/amd-formats.ts).

import {
  AMD_CONTROL_CMD_BUF_EN,
  AMD_CONTROL_COM_WAIT_INT_EN,
  AMD_CONTROL_EVENT_INT_EN,
  AMD_CONTROL_EVENT_LOG_EN,
  AMD_CONTROL_PPR_EN,
  AMD_CONTROL_PPR_INT_EN,
  AMD_CONTROL_PPR_LOG_EN,
  AMD_DEVICE_MAP_ENTRY,
  AMD_DOMAIN_MAP,
  AMD_DOMAIN_MAP_ENTRY,
  AMD_GUESTS,
  AMD_MAP_GUEST_ID,
  AMD_MAP_HOST_ID,
  AMD_MAP_VALID,
  AMD_MAP_WRITE,
  AMD_MISC_DEVICE,
  AMD_VFCTRL_COMMAND,
  AMD_VFCTRL_DEVICE_MAP,
  AMD_VFCTRL_DOMAIN_MAP,
  AMD_VFCTRL_ENABLE,
  AMD_VFCTRL_EVENT,
  AMD_VFCTRL_INT_ENABLE,
  AMD_VFCTRL_LENGTH,
  AMD_VFCTRL_MISC,
  AMD_VFCTRL_PPR,
  AMD_VFCTRL_STRIDE,
  AMD_VFCTRL_TABLES,
} from '../../assembly/layout/amd-formats.ts';
import {
  bitsOf,
  type DeviceHost,
  type DeviceState,
  type MmioAccess,
  maskInWord,
  RegisterFile,
} from '../plugin/index.ts';
import { type AmdBuffer, bufferOf, touches } from './amd-register-specs.ts';

export const VFCTRL_SIZE = 0x1000;
const ALL = 0xffffffff;
const WRITABLE = {
  size: 8,
  writable: ALL,
  writableHi: ALL,
  count: AMD_GUESTS,
  stride: AMD_VFCTRL_STRIDE,
} as const;
const REGISTERS = [
  { name: 'GuestDeviceMap', offset: AMD_VFCTRL_DEVICE_MAP, ...WRITABLE },
  { name: 'GuestDomainMap', offset: AMD_VFCTRL_DOMAIN_MAP, ...WRITABLE },
  { name: 'GuestMisc', offset: AMD_VFCTRL_MISC, ...WRITABLE },
  { name: 'GuestCommandControl', offset: AMD_VFCTRL_COMMAND, ...WRITABLE },
  { name: 'GuestEventControl', offset: AMD_VFCTRL_EVENT, ...WRITABLE },
  { name: 'GuestPprControl', offset: AMD_VFCTRL_PPR, ...WRITABLE },
  { name: 'GuestTables', offset: AMD_VFCTRL_TABLES, ...WRITABLE },
] as const;

/** The registers, and the configuration of a GuestID that they describe. */
export class AmdVfctrl {
  private readonly file: RegisterFile = new RegisterFile(VFCTRL_SIZE, REGISTERS);

  /** GuestID whose registers the access targets. */
  static guestOf({ offset }: MmioAccess): number {
    return Math.floor(offset / AMD_VFCTRL_STRIDE);
  }

  reset(): void {
    this.file.reset();
  }

  read(access: MmioAccess): void {
    this.file.read(access);
  }

  write(access: MmioAccess): void {
    this.file.write(access);
  }

  #lo(guest: number, register: number): number {
    return this.file.get(guest * AMD_VFCTRL_STRIDE + register);
  }

  #hi(guest: number, register: number): number {
    return this.#lo(guest, register + 4);
  }

  /** Command buffer, event log and PPR log. */
  buffers(guest: number): (AmdBuffer | undefined)[] {
    return [AMD_VFCTRL_COMMAND, AMD_VFCTRL_EVENT, AMD_VFCTRL_PPR].map((register) => {
      const lo = this.#lo(guest, register);
      return bufferOf(lo, this.#hi(guest, register), bitsOf(lo, AMD_VFCTRL_LENGTH));
    });
  }

  /**
   * Enables of the buffers, in the format of an IOMMU's control register. An enabled PPR
   * log accepts requests.
   */
  control(guest: number): number {
    const enables = [
      [AMD_VFCTRL_COMMAND, maskInWord(AMD_CONTROL_CMD_BUF_EN), AMD_CONTROL_COM_WAIT_INT_EN],
      [AMD_VFCTRL_EVENT, maskInWord(AMD_CONTROL_EVENT_LOG_EN), AMD_CONTROL_EVENT_INT_EN],
      [
        AMD_VFCTRL_PPR,
        maskInWord(AMD_CONTROL_PPR_LOG_EN) | maskInWord(AMD_CONTROL_PPR_EN),
        AMD_CONTROL_PPR_INT_EN,
      ],
    ] as const;
    return enables.reduce((control, [register, enabled, interrupt]) => {
      const word = this.#lo(guest, register);
      return (
        control |
        (bitsOf(word, AMD_VFCTRL_ENABLE) ? enabled : 0) |
        (bitsOf(word, AMD_VFCTRL_INT_ENABLE) ? maskInWord(interrupt) : 0)
      );
    }, 0);
  }

  /** DeviceID whose entry translates the store address of COMPLETION_WAIT. */
  translateDevice(guest: number): number {
    return bitsOf(this.#lo(guest, AMD_VFCTRL_MISC), AMD_MISC_DEVICE);
  }

  /** PA of the ID tables. */
  tables(guest: number): number {
    return (
      this.#lo(guest, AMD_VFCTRL_TABLES) + (this.#hi(guest, AMD_VFCTRL_TABLES) & 0xfffff) * 2 ** 32
    );
  }

  /**
   * Writes the ID table entries that a register write requests. The tables are stored in
   * `memory`.
   */
  map(access: MmioAccess, memory: DeviceHost['memory'] | undefined): void {
    const guest = AmdVfctrl.guestOf(access);
    const first = guest * AMD_VFCTRL_STRIDE;
    if (touches(access, first + AMD_VFCTRL_DEVICE_MAP))
      this.#map(memory, guest, AMD_VFCTRL_DEVICE_MAP, 0, AMD_DEVICE_MAP_ENTRY);
    if (touches(access, first + AMD_VFCTRL_DOMAIN_MAP))
      this.#map(memory, guest, AMD_VFCTRL_DOMAIN_MAP, AMD_DOMAIN_MAP, AMD_DOMAIN_MAP_ENTRY);
  }

  #map(
    memory: DeviceHost['memory'] | undefined,
    guest: number,
    register: number,
    table: number,
    entrySize: number,
  ): void {
    const lo = this.#lo(guest, register);
    const hi = this.#hi(guest, register);
    const tables = this.tables(guest);
    if (!bitsOf(hi, AMD_MAP_WRITE) || tables === 0) return;
    const entry = lo & (maskInWord(AMD_MAP_VALID) | maskInWord(AMD_MAP_HOST_ID));
    memory?.store64(tables + table + bitsOf(hi, AMD_MAP_GUEST_ID) * entrySize, BigInt(entry >>> 0));
  }

  nameAt(offset: number): string | undefined {
    return this.file.nameAt(offset);
  }

  save(): DeviceState {
    return this.file.save();
  }

  /** @throws {TypeError} when the state does not belong to these registers. */
  check(state: unknown): void {
    this.file.check(state);
  }

  /** Restores a state that has been checked. */
  restore(state: unknown): void {
    this.file.restore(state);
  }
}
