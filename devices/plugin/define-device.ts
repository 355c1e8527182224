// SPDX-License-Identifier: MIT
// Devices with a few registers, from a description instead of code, which is enough for
// most first plugins. Other devices implement `Device`.

import { answeredBigint, answeredNumber } from './answers.ts';
import {
  type AccessSize,
  type Device,
  type DeviceState,
  type MmioAccess,
  PLUGIN_INTERFACE_VERSION,
} from './device.ts';
import type { DeviceHost, DmaPort, InterruptLine } from './device-host.ts';
import { checkAccessSizes, MAX_INTERRUPTS } from './device-shape.ts';
import { allNamesOf, checkFunction, checkNames } from './known-names.ts';
import { refuseUnknownRegisters } from './known-registers.ts';
import { checkInteger } from './known-values.ts';
import { bigUint64, uint, uint32 } from './option-kinds.ts';
import { RegisterFile, type RegisterSpec } from './register-file.ts';
import { unnamedRegister } from './register-name.ts';
import { stateFields } from './state.ts';

/**
 * Values of a device's registers by name, unsigned: 32-bit numbers, and 64-bit BigInts
 * for those of `registers64`. Assigned values are truncated.
 */
export type RegisterValues<Names extends string = string, Names64 extends string = never> = {
  [register in Names]: number;
} & { [register in Names64]: bigint };

/** What a described device uses apart from its registers. */
export interface DescribedDevice {
  /** Interrupt line 0, 1, and so on. */
  interruptLine(index: number): InterruptLine;
  /**
   * The port of a bus master.
   * @throws {TypeError} when the description has no `busMaster: true`.
   */
  readonly dma: DmaPort;
  /** The host, for everything else. */
  readonly host: DeviceHost;
}

/** What the functions of a description use. Only a bus master has `dma`. */
export type DescribedDeviceOf<BusMaster extends boolean> = [BusMaster] extends [false]
  ? Omit<DescribedDevice, 'dma'>
  : DescribedDevice;

/** A 32-bit register. */
export interface DescribedRegister<Values = RegisterValues, Self = DescribedDevice>
  extends Pick<RegisterSpec, 'offset' | 'reset' | 'writable'> {
  /**
   * Called for each read of any of its bytes. The returned value becomes the register's
   * value, which the guest reads.
   */
  read?(values: Values, device: Self): number;
  /** Called after each write, when the writable bits have been stored. */
  write?(values: Values, device: Self): void;
}

/**
 * A 64-bit register. Guests may access it in two 32-bit halves, each a separate access.
 */
export interface DescribedRegister64<Values = RegisterValues, Self = DescribedDevice> {
  /** Byte offset, a multiple of 8. */
  readonly offset: number;
  /** Reset value. Default 0. */
  readonly reset?: bigint;
  /** Bits that a write changes. Default 0, read-only. */
  readonly writable?: bigint;
  /**
   * Called for each read of any of its bytes; the returned value becomes the register's
   * value.
   */
  read?(values: Values, device: Self): bigint;
  /** Called after each write, when the writable bits have been stored. */
  write?(values: Values, device: Self): void;
}

/** A device described by its registers, for `defineDevice`. */
export interface DeviceDescription<
  Names extends string = string,
  Names64 extends string = never,
  BusMaster extends boolean = boolean,
> {
  /** Short name, unique in a machine. */
  readonly name: string;
  /** Four ASCII characters by which a guest finds the device. */
  readonly kind: string;
  /** Interrupt lines. Default 0. */
  readonly interrupts?: number;
  /** The device performs DMA through the machine's IOMMU. Default false. */
  readonly busMaster?: BusMaster;
  /**
   * Access sizes in bytes that the registers accept. Default 4, and 8 with `registers64`.
   * An access of 1 or 2 bytes reaches those bytes of its register, in little-endian
   * order; `read` and `write` always get the whole register.
   */
  readonly accessSizes?: readonly AccessSize[];
  /** The 32-bit registers. */
  readonly registers: Readonly<
    Record<
      Names,
      DescribedRegister<
        RegisterValues<NoInfer<Names>, NoInfer<Names64>>,
        DescribedDeviceOf<NoInfer<BusMaster>>
      >
    >
  >;
  /** The 64-bit registers. Default none. */
  readonly registers64?: Readonly<
    Record<
      Names64,
      DescribedRegister64<
        RegisterValues<NoInfer<Names>, NoInfer<Names64>>,
        DescribedDeviceOf<NoInfer<BusMaster>>
      >
    >
  >;
  /** Called at each reset, with the registers at their reset values. */
  reset?(
    values: RegisterValues<NoInfer<Names>, NoInfer<Names64>>,
    device: DescribedDeviceOf<NoInfer<BusMaster>>,
  ): void;
}

type AnyRegister = DescribedRegister<never> | DescribedRegister64<never>;

/** The functions that an access to a register calls. */
interface Hooks {
  read(device: DescribedDevice): void;
  write(device: DescribedDevice): void;
}

const REGION_SIZE = 0x1000;
const WORD = 32n;
const FIELDS = allNamesOf<DeviceDescription>({
  name: true,
  kind: true,
  interrupts: true,
  busMaster: true,
  accessSizes: true,
  registers: true,
  registers64: true,
  reset: true,
});
const REGISTER_FIELDS = allNamesOf<AnyRegister>({
  offset: true,
  reset: true,
  writable: true,
  read: true,
  write: true,
});

/** @throws {TypeError} when a field other than the registers has the wrong type. */
function checkDescription({ name, interrupts = 0, busMaster = false, ...rest }: DeviceDescription) {
  if (typeof name !== 'string' || name === '')
    throw new TypeError('defineDevice: name must be text');
  const must = (what: string) => new TypeError(`${name}: ${what}`);
  const { registers, registers64 = {} } = rest;
  for (const [field, value] of Object.entries({ registers, registers64 }))
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw must(`${field} must be an object`);
  checkInteger(interrupts, 0, MAX_INTERRUPTS, `${name}: interrupts`);
  if (typeof busMaster !== 'boolean') throw must('busMaster must be true or false');
  if (rest.accessSizes !== undefined) checkAccessSizes(rest.accessSizes, `${name}: accessSizes`);
  checkFunction(rest.reset, `${name}: reset`);
}

function kindOf(name: string, kind: string): number {
  if (typeof kind !== 'string' || !/^[\x20-\x7e]{4}$/.test(kind))
    throw new RangeError(`kind of ${name} is four ASCII characters, not "${kind}"`);
  return [0, 1, 2, 3].reduce((sum, i) => (sum | (kind.charCodeAt(i) << (8 * i))) >>> 0, 0);
}

/** Low and high word of a register's reset value or writable bits. */
const low = (value: bigint | undefined) => Number(BigInt.asUintN(32, value ?? 0n));
const high = (value: bigint | undefined) => Number(BigInt.asUintN(32, (value ?? 0n) >> WORD));

/**
 * @throws {TypeError} when a register has an unknown field, or one of the wrong type.
 * @throws {RangeError} when a value has more bits than the register.
 */
function checkRegister(where: string, register: AnyRegister, type: 'number' | 'bigint'): void {
  checkNames(register, REGISTER_FIELDS, where);
  if (register.offset === undefined) throw new TypeError(`${where} has no offset`);
  uint(register.offset, where, 'offset');
  const isWord = type === 'number' ? uint32 : bigUint64;
  for (const field of ['reset', 'writable'] as const)
    if (register[field] !== undefined) isWord(register[field], where, field);
  if (type === 'bigint' && register.offset % 8 !== 0)
    throw new RangeError(`${where}: offset must be a multiple of 8`);
  checkFunction(register.read, `${where}: read`);
  checkFunction(register.write, `${where}: write`);
}

/** Access to a register's value from the device's side. */
interface Value<T> {
  get(): T;
  set(value: T): void;
}

function value32Of(file: RegisterFile, offset: number): Value<number> {
  return { get: () => file.get(offset), set: (value) => file.set(offset, value) };
}

function value64Of(file: RegisterFile, offset: number): Value<bigint> {
  return {
    get: () => BigInt(file.get(offset)) | (BigInt(file.get(offset + 4)) << WORD),
    set(value) {
      file.set(offset, low(value));
      file.set(offset + 4, high(value));
    },
  };
}

interface Functions<T> {
  read?(values: object, device: DescribedDevice): T;
  write?(values: object, device: DescribedDevice): void;
}

function hooksOf<T>(
  value: Value<T>,
  { read, write }: Functions<T>,
  values: object,
  answered: (answer: T) => T,
): Hooks {
  return {
    read: (device) => read && value.set(answered(read(values, device))),
    write: (device) => write?.(values, device),
  };
}

/** The object that the functions of a description get. */
function describedDevice(
  name: string,
  host: DeviceHost,
  port: DmaPort | undefined,
): DescribedDevice {
  return {
    host,
    interruptLine: (index) => host.interruptLine(index),
    get dma() {
      if (!port) throw new TypeError(`${name} makes no DMA: describe it with busMaster: true`);
      return port;
    },
  };
}

/**
 * Creates a device from its description. Its registers are its whole state.
 * @throws {RangeError} when the kind is not four characters, or registers overlap or are
 *   outside the device's 4 KiB.
 * @throws {TypeError} when the description has an unknown field, or one of the wrong
 *   type.
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
export function defineDevice<
  Names extends string,
  Names64 extends string = never,
  BusMaster extends boolean = false,
>(description: DeviceDescription<Names, Names64, BusMaster>): Device {
  checkNames(description, FIELDS, 'defineDevice');
  checkDescription(description);
  const { name, kind, interrupts = 0, busMaster = false, registers } = description;
  const narrow = Object.entries<DescribedRegister<never>>(registers);
  const wide = Object.entries<DescribedRegister64<never>>(description.registers64 ?? {});
  const { accessSizes = wide.length > 0 ? [4, 8] : [4] } = description;
  for (const [register, spec] of narrow) checkRegister(`${name}.${register}`, spec, 'number');
  for (const [register, spec] of wide) checkRegister(`${name}.${register}`, spec, 'bigint');

  const twice = wide.find(([register]) => Object.hasOwn(registers, register));
  if (twice) throw new TypeError(`${name}: ${twice[0]} is a register of 32 and of 64 bits`);

  const file = new RegisterFile(REGION_SIZE, [
    ...narrow.map(([register, { offset, reset = 0, writable = 0 }]) => ({
      name: register,
      offset,
      reset,
      writable,
    })),
    ...wide.map(([register, { offset, reset, writable }]) => ({
      name: register,
      offset,
      size: 8 as const,
      reset: low(reset),
      resetHi: high(reset),
      writable: low(writable),
      writableHi: high(writable),
    })),
  ]);
  const values = {} as RegisterValues<Names, Names64>;
  const hooks = new Map<number, Hooks>();
  for (const [register, spec] of narrow) {
    const value = value32Of(file, spec.offset);
    Object.defineProperty(values, register, { ...value, enumerable: true });
    hooks.set(
      spec.offset,
      hooksOf(value, spec as Functions<number>, values, (answer) =>
        answeredNumber(answer, `${name}.${register}: read`),
      ),
    );
  }
  for (const [register, spec] of wide) {
    const value = value64Of(file, spec.offset);
    Object.defineProperty(values, register, { ...value, enumerable: true });
    const both = hooksOf(value, spec as Functions<bigint>, values, (answer) =>
      answeredBigint(answer, `${name}.${register}: read`),
    );
    for (const half of [0, 4]) hooks.set(spec.offset + half, both);
  }
  refuseUnknownRegisters(values, name);

  const regions = [{ name, size: REGION_SIZE, accessSizes }] as const;
  let own: DescribedDevice | undefined;
  /** Calls the function of each register that the access covers. */
  const callHooks = ({ offset, size }: MmioAccess, kind: keyof Hooks) => {
    if (!own) return;
    const first = hooks.get(offset - (offset % 4));
    first?.[kind](own);
    const second = size === 8 ? hooks.get(offset + 4) : undefined;
    if (second !== first) second?.[kind](own);
  };
  return {
    name,
    interfaceVersion: PLUGIN_INTERFACE_VERSION,
    identity: { kind: kindOf(name, kind), interrupts, busMaster },
    regions,
    attach(host: DeviceHost): void {
      own = describedDevice(name, host, busMaster ? host.dmaPort() : undefined);
    },
    reset(): void {
      file.reset();
      if (own) description.reset?.(values, own);
    },
    read(access: MmioAccess): void {
      callHooks(access, 'read');
      file.read(access);
    },
    write(access: MmioAccess): void {
      file.write(access);
      callHooks(access, 'write');
    },
    save: (): DeviceState => ({ registers: file.save() }),
    restore: (state: DeviceState) => file.restore(stateFields(state, 'registers').registers),
    registerName: (_region: number, offset: number) =>
      file.nameAt(offset) ?? unnamedRegister(regions[0], offset),
  };
}
