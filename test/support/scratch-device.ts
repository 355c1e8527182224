// SPDX-License-Identifier: MIT
// A device for tests of device hosts: a page of words that records its accesses.

import {
  type Device,
  type DeviceHost,
  type DeviceState,
  type MmioAccess,
  PLUGIN_INTERFACE_VERSION,
} from '../../devices/plugin/index.ts';

export interface ScratchOptions {
  readonly name?: string;
  readonly size?: number;
  readonly accessSizes?: readonly (1 | 2 | 4 | 8)[];
  readonly onRead?: (access: MmioAccess) => void;
  readonly onWrite?: (access: MmioAccess) => void;
}

export class ScratchDevice implements Device {
  readonly name: string;
  readonly interfaceVersion = PLUGIN_INTERFACE_VERSION;
  readonly identity = { kind: 0x74736574, interrupts: 2, busMaster: false };
  readonly regions;
  readonly #options: ScratchOptions;
  /** Copies of the accesses that reached it. */
  readonly accesses: MmioAccess[] = [];
  host: DeviceHost | undefined;
  resets = 0;

  constructor(options: ScratchOptions = {}) {
    const { name = 'scratch', size = 0x1000, accessSizes = [4, 8] } = options;
    this.name = name;
    this.#options = options;
    this.regions = [{ name, size, accessSizes }];
  }

  attach(host: DeviceHost): void {
    this.host = host;
  }

  reset(): void {
    this.resets++;
  }

  read(access: MmioAccess): void {
    this.accesses.push({ ...access });
    access.lo = access.offset + 0x80000000;
    access.hi = 0xffffffff;
    this.#options.onRead?.(access);
  }

  write(access: MmioAccess): void {
    this.accesses.push({ ...access });
    this.#options.onWrite?.(access);
  }

  save(): DeviceState {
    return {};
  }

  restore(): void {
    this.accesses.length = 0;
  }

  registerName(_region: number, offset: number): string {
    return `R${offset.toString(16)}`;
  }
}
