// SPDX-License-Identifier: MIT
// PL031 real time clock (DDI 0224): seconds of the machine's own time, which stops while
// the machine is stopped, and one alarm.

import {
  PL031_BIT,
  PL031_DR,
  PL031_ICR,
  PL031_IMSC,
  PL031_LR,
  PL031_MIS,
  PL031_MR,
  PL031_REGION_SIZE,
  PL031_RIS,
} from '../../assembly/layout/pl031-registers.ts';
import {
  type Device,
  type DeviceHost,
  type DeviceState,
  type InterruptLine,
  isWord,
  type MmioAccess,
  PLUGIN_INTERFACE_VERSION,
  plainStateLike,
  RegisterFile,
  restoreTimer,
  savedTimer,
  saveTimer,
  stateFields,
  type Timer,
  unnamedRegister,
} from '../plugin/index.ts';
import { PL031_REGISTERS } from './pl031-register-specs.ts';

/** Initial state of a `Pl031`. */
export interface Pl031Options {
  /** Unix time in seconds, 32 bits, at time 0 of the device's host. */
  readonly epoch: number;
}

const NS_PER_SECOND = 1e9;
const KIND = 0x31336c70; // "pl31"

const NAMES = new Map([
  [PL031_DR, 'RTCDR'],
  [PL031_RIS, 'RTCRIS'],
  [PL031_MIS, 'RTCMIS'],
  [PL031_ICR, 'RTCICR'],
]);

export class Pl031 implements Device {
  readonly name = 'pl031';
  readonly interfaceVersion = PLUGIN_INTERFACE_VERSION;
  readonly identity = { kind: KIND, interrupts: 1, busMaster: false };
  // The part has no byte lanes on the AMBA bus: a narrow access reaches the whole
  // register.
  readonly regions = [{ name: 'pl031', size: PL031_REGION_SIZE, accessSizes: [1, 2, 4] as const }];
  readonly #epoch: number;
  #host: DeviceHost | undefined;
  #line: InterruptLine | undefined;
  #alarm: Timer | undefined;
  private readonly registers = new RegisterFile(PL031_REGION_SIZE, PL031_REGISTERS);
  private state: { base: number; pending: boolean };

  /** @throws {RangeError} when the epoch is not an unsigned 32-bit integer. */
  constructor({ epoch }: Pl031Options) {
    if (!isWord(epoch))
      throw new RangeError(`Pl031: epoch must be an integer from 0 to 4294967295, not ${epoch}`);
    this.#epoch = epoch;
    this.state = this.#resetState();
  }

  #resetState() {
    return {
      /** RTCDR at time 0 of the host. */
      base: this.#epoch,
      /** RTCRIS. */
      pending: false,
    };
  }

  attach(host: DeviceHost): void {
    this.#host = host;
    this.#line = host.interruptLine(0);
    this.#alarm = host.timer('alarm', () => this.#matched());
  }

  reset(): void {
    this.state = this.#resetState();
    this.registers.reset();
    this.#updateLine();
  }

  /** Whole seconds since time 0 of the host. */
  #elapsed(): number {
    return Math.floor((this.#host?.nowNs() ?? 0) / NS_PER_SECOND);
  }

  #now(): number {
    return (this.state.base + this.#elapsed()) >>> 0;
  }

  /** Called when the counter equals RTCMR. */
  #matched(): void {
    this.state.pending = true;
    this.#updateLine();
  }

  /** Called when RTCMR or the time has changed. A pending interrupt stays pending. */
  #setAlarm(): void {
    const seconds = (this.registers.get(PL031_MR) - this.#now()) >>> 0;
    if (seconds === 0) {
      this.#alarm?.cancel();
      this.#matched();
    } else this.#alarm?.at((this.#elapsed() + seconds) * NS_PER_SECOND);
  }

  read(access: MmioAccess): void {
    const value = access.offset % 4 === 0 ? this.#readWord(access.offset) : 0;
    access.lo = access.size === 1 ? value & 0xff : access.size === 2 ? value & 0xffff : value;
    access.hi = 0;
  }

  #readWord(offset: number): number {
    const pending = this.state.pending ? PL031_BIT : 0;
    switch (offset) {
      case PL031_DR:
        return this.#now();
      case PL031_RIS:
        return pending;
      case PL031_MIS:
        return pending & this.registers.get(PL031_IMSC);
      default:
        return this.registers.get(offset);
    }
  }

  write(access: MmioAccess): void {
    if (access.offset % 4 !== 0) return;
    this.registers.writeWord(access.offset, access.lo);
    switch (access.offset) {
      case PL031_LR:
        this.state.base = (access.lo - this.#elapsed()) >>> 0;
        this.#setAlarm();
        break;
      case PL031_MR:
        this.#setAlarm();
        break;
      case PL031_ICR:
        if (access.lo & PL031_BIT) this.state.pending = false;
        break;
    }
    this.#updateLine();
  }

  #updateLine(): void {
    const enabled = (this.registers.get(PL031_IMSC) & PL031_BIT) !== 0;
    this.#line?.setLevel(this.state.pending && enabled);
  }

  save(): DeviceState {
    return {
      registers: this.registers.save(),
      state: structuredClone(this.state),
      alarm: saveTimer(this.#alarm),
    };
  }

  restore(state: DeviceState): void {
    const fields = stateFields(state, 'registers', 'state', 'alarm');
    const own = plainStateLike(this.#resetState(), fields.state);
    const alarm = savedTimer(fields.alarm);
    this.registers.restore(fields.registers);
    this.state = own;
    restoreTimer(this.#alarm, alarm);
    this.#updateLine();
  }

  registerName(region: number, offset: number): string {
    return (
      NAMES.get(offset) ??
      this.registers.nameAt(offset) ??
      unnamedRegister(this.regions[region], offset)
    );
  }
}
