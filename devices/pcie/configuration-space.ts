// SPDX-License-Identifier: MIT
// The configuration space of a function: a header, followed by lists of capabilities,
// laid out from the function's description.

import {
  type DeviceState,
  type MmioAccess,
  RegisterFile,
  type RegisterSpec,
} from '../plugin/index.ts';
import {
  PCIE_BAR_IO,
  PCIE_BAR0,
  PCIE_CAPABILITIES,
  PCIE_CAPABILITY_POINTER,
  PCIE_CLASS_REVISION,
  PCIE_COMMAND_IO,
  PCIE_COMMAND_STATUS,
  PCIE_COMMAND_WRITABLE,
  PCIE_CONFIG_SIZE,
  PCIE_EXTENDED_CAPABILITIES,
  PCIE_HEADER_TYPE,
  PCIE_ID,
  PCIE_INTERRUPT,
  PCIE_STATUS_CAPABILITIES,
  PCIE_STATUS_IMMEDIATE_READINESS,
  PCIE_SUBSYSTEM,
} from './pcie-registers.ts';

/** A capability. The configuration space chooses its offset. */
export interface CapabilitySpec {
  /** Name of its first word, unique in its function. */
  readonly name: string;
  /** Capability ID. */
  readonly id: number;
  /** Bytes, a multiple of 4. */
  readonly size: number;
  /** Version of an extended capability. Absent for other capabilities. */
  readonly version?: number;
  /**
   * Bits [31:16] of the first word, in place, for a capability that is not extended.
   * Default 0.
   */
  readonly reset?: number;
  readonly writable?: number;
  /** Registers after the first word, by offset from the capability's start. */
  readonly registers?: readonly RegisterSpec[];
}

/** A 32-bit BAR. */
export interface BarSpec {
  /** 0 to 5. */
  readonly bar: number;
  /** Region of the device that it maps. */
  readonly region: number;
  /** Bytes, a power of two, at least 16. */
  readonly size: number;
  /** Of I/O space. Default false: of memory. */
  readonly isIo?: boolean;
}

/** Identification registers of a function. */
export interface FunctionIdentity {
  readonly vendorId: number;
  readonly deviceId: number;
  /** 8 bits. */
  readonly revisionId: number;
  /** Base class, sub-class and programming interface: 24 bits. */
  readonly classCode: number;
  readonly subsystemVendorId: number;
  readonly subsystemId: number;
  /** 1 to 4: INTA to INTD; 0: none. */
  readonly interruptPin: number;
}

/** The header of an endpoint, type 0 (PCIe 5.0, section 7.5.1.2). */
export function endpointHeader(
  identity: FunctionIdentity,
  bars: readonly BarSpec[],
): readonly RegisterSpec[] {
  const { vendorId, deviceId, revisionId, classCode, interruptPin } = identity;
  return [
    { name: 'ID', offset: PCIE_ID, reset: vendorId + deviceId * 0x10000 },
    {
      name: 'COMMAND_STATUS',
      offset: PCIE_COMMAND_STATUS,
      reset: PCIE_STATUS_CAPABILITIES + PCIE_STATUS_IMMEDIATE_READINESS,
      writable: PCIE_COMMAND_WRITABLE + (bars.some(({ isIo }) => isIo) ? PCIE_COMMAND_IO : 0),
    },
    {
      name: 'CLASS_REVISION',
      offset: PCIE_CLASS_REVISION,
      reset: classCode * 0x100 + revisionId,
    },
    { name: 'HEADER_TYPE', offset: PCIE_HEADER_TYPE, writable: 0xff },
    // Bits of a BAR that are not decoded read 0: a driver finds its size by writing ones
    // (section 7.5.1.2.1).
    ...bars.map(({ bar, size, isIo = false }) => ({
      name: `BAR${bar}`,
      offset: PCIE_BAR0 + 4 * bar,
      reset: isIo ? PCIE_BAR_IO : 0,
      writable: (2 ** 32 - size) >>> 0,
    })),
    {
      name: 'SUBSYSTEM',
      offset: PCIE_SUBSYSTEM,
      reset: identity.subsystemVendorId + identity.subsystemId * 0x10000,
    },
    { name: 'CAPABILITY_POINTER', offset: PCIE_CAPABILITY_POINTER, reset: PCIE_CAPABILITIES },
    { name: 'INTERRUPT', offset: PCIE_INTERRUPT, reset: interruptPin * 0x100, writable: 0xff },
  ];
}

interface PlacedCapability {
  readonly spec: CapabilitySpec;
  readonly at: number;
}

/** Places capabilities one after the other. */
function laidOut(specs: readonly CapabilitySpec[], from: number): readonly PlacedCapability[] {
  let at = from;
  return specs.map((spec) => {
    const placed = { spec, at };
    at += spec.size;
    return placed;
  });
}

function registersOf(list: readonly PlacedCapability[]): RegisterSpec[] {
  return list.flatMap(({ spec, at }, i) => {
    const next = list[i + 1]?.at ?? 0;
    const reset =
      spec.version === undefined
        ? spec.id + next * 0x100 + (spec.reset ?? 0)
        : spec.id + spec.version * 0x10000 + next * 0x100000;
    return [
      { name: spec.name, offset: at, reset, writable: spec.writable ?? 0 },
      ...(spec.registers ?? []).map((register) => ({
        ...register,
        offset: at + register.offset,
      })),
    ];
  });
}

/**
 * The bytes that a write gives to a 32-bit word, in place; 0 in bytes that it does not
 * cover.
 */
export function writtenTo({ offset, size, lo }: MmioAccess, word: number): number {
  if ((offset & ~3) !== word) return 0;
  return size === 4 ? lo : (lo << (8 * (offset & 3))) >>> 0;
}

/** True when an access covers a byte of a 32-bit word. */
export const reaches = ({ offset }: MmioAccess, word: number): boolean => (offset & ~3) === word;

/** The registers of a function's configuration space. */
export class ConfigurationSpace {
  readonly #file: RegisterFile;
  readonly #placed: ReadonlyMap<string, number>;

  /** @throws {RangeError} when capabilities overlap, or do not fit. */
  constructor(header: readonly RegisterSpec[], capabilities: readonly CapabilitySpec[]) {
    const ordinary = capabilities.filter(({ version }) => version === undefined);
    const extended = capabilities.filter(({ version }) => version !== undefined);
    const lists = [
      laidOut(ordinary, PCIE_CAPABILITIES),
      laidOut(extended, PCIE_EXTENDED_CAPABILITIES),
    ];
    const end = lists[0]?.reduce((most, { spec, at }) => Math.max(most, at + spec.size), 0) ?? 0;
    if (end > PCIE_EXTENDED_CAPABILITIES)
      throw new RangeError('the capabilities of a function do not fit into 256 bytes');
    this.#file = new RegisterFile(PCIE_CONFIG_SIZE, [...header, ...lists.flatMap(registersOf)]);
    this.#placed = new Map(lists.flat().map(({ spec, at }) => [spec.name, at]));
  }

  /**
   * Offset of a capability.
   * @throws {RangeError} when there is none with that name.
   */
  offsetOf(capability: string): number {
    const at = this.#placed.get(capability);
    if (at === undefined) throw new RangeError(`there is no capability ${capability}`);
    return at;
  }

  /** Command register, bits [15:0]. */
  get command(): number {
    return this.#file.get(PCIE_COMMAND_STATUS) & 0xffff;
  }

  /** The 32-bit word at an offset. */
  get(offset: number): number {
    return this.#file.get(offset);
  }

  /** Sets or clears bits of a word, including bits that a guest cannot write. */
  setBits(offset: number, bits: number, set: boolean): void {
    const word = this.#file.get(offset);
    this.#file.set(offset, (set ? word | bits : word & ~bits) >>> 0);
  }

  read(access: MmioAccess): void {
    this.#file.read(access);
  }

  write(access: MmioAccess): void {
    this.#file.write(access);
  }

  reset(): void {
    this.#file.reset();
  }

  save(): DeviceState {
    return this.#file.save();
  }

  /** @throws {TypeError} when the state does not belong to such a function. */
  check(state: unknown): void {
    this.#file.check(state);
  }

  /** @throws {TypeError} when the state does not belong to such a function. */
  restore(state: unknown): void {
    this.#file.restore(state);
  }

  /** Name of the register at an offset; undefined when there is none. */
  nameAt(offset: number): string | undefined {
    return this.#file.nameAt(offset);
  }
}
