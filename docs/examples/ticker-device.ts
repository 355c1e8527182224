// A device that sends an MSI in each period, and counts the periods.

import {
  type Device,
  type DeviceHost,
  type DeviceState,
  type MmioAccess,
  PLUGIN_INTERFACE_VERSION,
  RegisterFile,
  restoreTimer,
  savedTimer,
  saveTimer,
  stateFields,
  type Timer,
  unnamedRegister,
} from 'vsmmu/devices';

const PERIOD = 0x0;
const MSI_DATA = 0x4;
const MSI_ADDRESS = 0x8;
const COUNT = 0x10;

export class TickerDevice implements Device {
  readonly name = 'ticker';
  readonly interfaceVersion = PLUGIN_INTERFACE_VERSION;
  readonly identity = { kind: 0x6b636974 /* "tick" */, interrupts: 0, busMaster: false };
  readonly regions = [{ name: 'ticker', size: 0x1000, accessSizes: [1, 2, 4, 8] as const }];
  readonly #registers = new RegisterFile(0x1000, [
    { name: 'PERIOD', offset: PERIOD, writable: 0xffffffff },
    { name: 'MSI_DATA', offset: MSI_DATA, writable: 0xffffffff },
    { name: 'MSI_ADDRESS', offset: MSI_ADDRESS, size: 8, writable: 0xfffffffc },
    { name: 'COUNT', offset: COUNT },
  ]);
  #host: DeviceHost | undefined;
  #timer: Timer | undefined;

  attach(host: DeviceHost): void {
    this.#host = host;
    this.#timer = host.timer('period', () => this.#periodEnded());
  }

  // The host has cancelled the timer.
  reset(): void {
    this.#registers.reset();
  }

  read(access: MmioAccess): void {
    this.#registers.read(access);
  }

  write(access: MmioAccess): void {
    this.#registers.write(access);
    if (access.offset < PERIOD + 4) this.#startPeriod();
  }

  /** PERIOD is in microseconds; 0 stops the ticker. */
  #startPeriod(): void {
    const period = this.#registers.get(PERIOD);
    if (period === 0) this.#timer?.cancel();
    else this.#timer?.at((this.#host?.nowNs() ?? 0) + period * 1000);
  }

  #periodEnded(): void {
    this.#registers.set(COUNT, this.#registers.get(COUNT) + 1);
    const data = this.#registers.get(MSI_DATA);
    this.#host?.msi(this.#registers.get(MSI_ADDRESS), data);
    this.#startPeriod();
  }

  save(): DeviceState {
    return { registers: this.#registers.save(), timer: saveTimer(this.#timer) };
  }

  restore(state: DeviceState): void {
    const { registers, timer } = stateFields(state, 'registers', 'timer');
    const saved = savedTimer(timer);
    this.#registers.restore(registers);
    restoreTimer(this.#timer, saved);
  }

  registerName(region: number, offset: number): string {
    return this.#registers.nameAt(offset) ?? unnamedRegister(this.regions[region], offset);
  }
}
