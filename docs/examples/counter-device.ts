// A device: a counter that is incremented by each read, and raises an interrupt at a limit.

import {
  type Device,
  type DeviceHost,
  type DeviceState,
  type InterruptLine,
  type MmioAccess,
  PLUGIN_INTERFACE_VERSION,
  RegisterFile,
  stateFields,
  unnamedRegister,
} from 'vsmmu/devices';

const COUNT = 0x0;
const LIMIT = 0x4;

export class CounterDevice implements Device {
  readonly name = 'counter';
  readonly interfaceVersion = PLUGIN_INTERFACE_VERSION;
  readonly identity = { kind: 0x72746e63 /* "cntr" */, interrupts: 1, busMaster: false };
  readonly regions = [{ name: 'counter', size: 0x1000, accessSizes: [4 as const] }];
  readonly #registers = new RegisterFile(0x1000, [
    { name: 'COUNT', offset: COUNT },
    { name: 'LIMIT', offset: LIMIT, reset: 10, writable: 0xffff },
  ]);
  #line: InterruptLine | undefined;

  attach(host: DeviceHost): void {
    this.#line = host.interruptLine(0);
  }

  reset(): void {
    this.#registers.reset();
  }

  read(access: MmioAccess): void {
    this.#registers.read(access);
    if (access.offset !== COUNT) return;
    this.#registers.set(COUNT, access.lo + 1);
    if (access.lo + 1 === this.#registers.get(LIMIT)) this.#line?.pulse();
  }

  write(access: MmioAccess): void {
    this.#registers.write(access);
  }

  save(): DeviceState {
    return { registers: this.#registers.save() };
  }

  restore(state: DeviceState): void {
    this.#registers.restore(stateFields(state, 'registers').registers);
  }

  registerName(region: number, offset: number): string {
    return this.#registers.nameAt(offset) ?? unnamedRegister(this.regions[region], offset);
  }
}
