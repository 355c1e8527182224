// SPDX-License-Identifier: MIT
// A wrapper around a device, which is not modified: calls that the wrapper does not
// change are passed on.

import { DEVICE_CALLS } from '../plugin/device-calls.ts';
import type { Device, DeviceHost, DeviceState, MmioAccess } from '../plugin/index.ts';
import { checkMethods } from '../plugin/known-values.ts';

/**
 * Functions of the host that a wrapper replaces for the inner device; all others are the
 * host's own.
 */
export type HostChanges = Partial<Pick<DeviceHost, 'interruptLine' | 'mapDirect'>>;

/** A wrapper around a device, identical to it except for what a subclass overrides. */
export class DeviceWrapper implements Device {
  readonly name: string;
  readonly interfaceVersion: number;
  readonly identity: Device['identity'];
  readonly regions: Device['regions'];
  /** The wrapped device. */
  protected readonly device: Device;

  constructor(device: Device) {
    checkMethods(device, DEVICE_CALLS, `${new.target.name}: device`);
    this.device = device;
    this.name = device.name;
    this.interfaceVersion = device.interfaceVersion;
    this.identity = device.identity;
    this.regions = device.regions;
  }

  /** Replacements for functions of the host, given to the wrapped device. */
  protected changes(_host: DeviceHost): HostChanges {
    return {};
  }

  attach(host: DeviceHost): void {
    const changes: Readonly<Record<string, unknown>> = { ...this.changes(host) };
    this.device.attach(
      new Proxy(host, {
        get(target, property) {
          if (typeof property === 'string' && Object.hasOwn(changes, property))
            return changes[property];
          const value: unknown = Reflect.get(target, property, target);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      }),
    );
  }

  reset(): void {
    this.device.reset();
  }

  read(access: MmioAccess): void {
    this.device.read(access);
  }

  write(access: MmioAccess): void {
    this.device.write(access);
  }

  save(): DeviceState {
    return this.device.save();
  }

  restore(state: DeviceState): void {
    this.device.restore(state);
  }

  registerName(region: number, offset: number): string {
    return this.device.registerName(region, offset);
  }
}
