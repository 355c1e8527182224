// Devices of a few registers, described instead of written: what most first plugins need.
// Anything beyond that implements `Device`.

import {
  type Device,
  type DeviceState,
  type MmioAccess,
  PLUGIN_INTERFACE_VERSION,
} from './device.ts';
import type { DeviceHost, InterruptLine } from './device-host.ts';
import { RegisterFile, type RegisterSpec } from './register-file.ts';
import { unnamedRegister } from './register-name.ts';
import { stateFields } from './state.ts';

/** Values of a device's registers by their names: unsigned 32-bit words, whatever is assigned. */
export type RegisterValues = { [register: string]: number };

/** What a described device reaches beside its registers. */
export interface DescribedDevice {
  /** Interrupt line 0, 1, and so on. */
  interruptLine(index: number): InterruptLine;
  /** The host, for everything else. */
  readonly host: DeviceHost;
}

/** A 32-bit register. */
export interface DescribedRegister extends Pick<RegisterSpec, 'offset' | 'reset' | 'writable'> {
  /**
   * Called for each read of any of its bytes. What it returns becomes the register's
   * value, and is what the guest reads.
   */
  read?(values: RegisterValues, device: DescribedDevice): number;
  /** Called after each write, with the writable bits taken over. */
  write?(values: RegisterValues, device: DescribedDevice): void;
}

/** A device by its registers: what `defineDevice` makes a device model of. */
export interface DeviceDescription {
  /** Short name, unique in a machine. */
  readonly name: string;
  /** Four ASCII characters, by which a guest finds the device. */
  readonly kind: string;
  /** Interrupt lines. Default 0. */
  readonly interrupts?: number;
  /**
   * Sizes in bytes of the accesses that the registers take. Default 4 alone. An access of
   * 1 or 2 bytes reaches those bytes of its register, in little-endian order; `read` and
   * `write` always see the whole register.
   */
  readonly accessSizes?: readonly (1 | 2 | 4)[];
  readonly registers: Readonly<Record<string, DescribedRegister>>;
}

const REGION_SIZE = 0x1000;

function kindOf({ name, kind }: DeviceDescription): number {
  if (!/^[\x20-\x7e]{4}$/.test(kind))
    throw new RangeError(`kind of ${name} is four ASCII characters, not "${kind}"`);
  return [0, 1, 2, 3].reduce((sum, i) => (sum | (kind.charCodeAt(i) << (8 * i))) >>> 0, 0);
}

/** The registers as properties. */
function valuesOf(file: RegisterFile, registers: DeviceDescription['registers']): RegisterValues {
  const values: RegisterValues = {};
  for (const [name, { offset }] of Object.entries(registers)) {
    Object.defineProperty(values, name, {
      get: () => file.get(offset),
      set: (value: number) => file.set(offset, value),
      enumerable: true,
    });
  }
  return Object.preventExtensions(values);
}

/**
 * Makes a device of its description. Its registers are 32 bits wide; they are its whole state.
 * @throws {RangeError} when the kind is not four characters, or registers overlap or lie outside the device's 4 KiB.
 *
 * @example
 * ```js
 * import { defineDevice } from 'vsmmu/devices';
 *
 * export const device = () =>
 *   defineDevice({
 *     name: 'adder',
 *     kind: 'addr',
 *     registers: {
 *       A: { offset: 0x0, writable: 0xffffffff },
 *       B: { offset: 0x4, writable: 0xffffffff },
 *       SUM: { offset: 0x8, read: ({ A, B }) => A + B },
 *     },
 *   });
 * ```
 */
export function defineDevice(description: DeviceDescription): Device {
  const { name, interrupts = 0, accessSizes = [4], registers } = description;
  const file = new RegisterFile(
    REGION_SIZE,
    Object.entries(registers).map(([register, spec]) => ({ ...spec, name: register })),
  );
  const byOffset = new Map(Object.values(registers).map((register) => [register.offset, register]));
  const registerAt = (offset: number) => byOffset.get(offset - (offset % 4));
  const values = valuesOf(file, registers);
  const regions = [{ name, size: REGION_SIZE, accessSizes }] as const;
  let own: DescribedDevice | undefined;
  return {
    name,
    interfaceVersion: PLUGIN_INTERFACE_VERSION,
    identity: { kind: kindOf(description), interrupts, busMaster: false },
    regions,
    attach(host: DeviceHost): void {
      own = { host, interruptLine: (index) => host.interruptLine(index) };
    },
    reset: () => file.reset(),
    read(access: MmioAccess): void {
      const register = registerAt(access.offset);
      if (register?.read && own) file.set(register.offset, register.read(values, own));
      file.read(access);
    },
    write(access: MmioAccess): void {
      file.write(access);
      const register = registerAt(access.offset);
      if (register?.write && own) register.write(values, own);
    },
    save: (): DeviceState => ({ registers: file.save() }),
    restore: (state: DeviceState) => file.restore(stateFields(state, 'registers').registers),
    registerName: (_region: number, offset: number) =>
      file.nameAt(offset) ?? unnamedRegister(regions[0], offset),
  };
}
