// SPDX-License-Identifier: MIT
// The interface of a device to its host. It does not depend on a particular VMM: anything
// that implements `DeviceHost` (device-host.ts) can use these devices, like the second
// host under test/.

import type { DeviceHost } from './device-host.ts';

/**
 * Version of the plugin interface: this file and device-host.ts. Hosts also accept
 * devices of version 1; docs/device-plugin.md lists the changes.
 */
export const PLUGIN_INTERFACE_VERSION = 2;

/** Possible access sizes in bytes. */
export type AccessSize = 1 | 2 | 4 | 8;

/**
 * One register access. The bus reuses the object for every access: a device reads what it
 * needs and keeps no reference. A value wider than 32 bits is split, so that no access
 * allocates a BigInt.
 */
export interface MmioAccess {
  /** Index into `Device.regions`. */
  region: number;
  /** Byte offset in the region; the bus has checked that the whole access is inside. */
  offset: number;
  /**
   * Bytes; the bus has checked the size against the region's `accessSizes`, and that the
   * offset is a multiple of it.
   */
  size: AccessSize;
  /**
   * Value, bits [31:0], unsigned, and below 2^(8 * size) for a size of 1 or 2. A read
   * stores its result here: for a register wider than the access, the bytes from `offset`
   * on.
   */
  lo: number;
  /** Value, bits [63:32], unsigned; 0 unless `size` is 8. */
  hi: number;
  /** Index of the vCPU that makes the access. */
  vcpu: number;
}

/** A range of registers that the host places in its guest's physical address space. */
export interface DeviceRegion {
  readonly name: string;
  /** Bytes, a multiple of 4 KiB. */
  readonly size: number;
  /**
   * Access sizes that the device supports; for all others the bus reads 0 and ignores
   * writes.
   */
  readonly accessSizes: readonly AccessSize[];
}

/** How a machine describes the device to its guest (the guest ABI's device table). */
export interface DeviceIdentity {
  /** Four ASCII characters, first in the low byte: ABI_KIND_*. */
  readonly kind: number;
  /** Number of interrupt lines, numbered from 0 in `DeviceHost.interruptLine`. */
  readonly interrupts: number;
  /** True for a bus master, whose accesses carry a StreamID. */
  readonly busMaster: boolean;
}

/**
 * State of a device as plain data: returned by `save`, accepted by `restore`. Survives
 * structuredClone and JSON.
 */
export type DeviceState = { readonly [field: string]: StateValue };
/** The values in a saved state: anything that JSON can express. */
export type StateValue =
  | number
  | string
  | boolean
  | null
  | readonly StateValue[]
  | { readonly [field: string]: StateValue };

/**
 * A device model. `attach` is called first; `reset` before the first access and whenever
 * the machine is reset. `read` and `write` never throw, regardless of what the guest
 * does: a bad access has only the effect that the device's architecture defines.
 */
export interface Device {
  /** Short name, unique in a machine, used in traces and statistics. */
  readonly name: string;
  readonly interfaceVersion: number;
  readonly identity: DeviceIdentity;
  readonly regions: readonly DeviceRegion[];
  /**
   * Connects the device to its host, without accessing it yet. A device belongs to one
   * machine at a time. When that machine is destroyed, nothing that its host provided has
   * an effect any more (lines, ports, timers, memory), and the device may be attached to
   * another machine.
   */
  attach(host: DeviceHost): void;
  /** Sets the reset state. Guest memory is unchanged. */
  reset(): void;
  /** Reads a register: fills `access.lo` and `access.hi`. */
  read(access: MmioAccess): void;
  /** Writes a register with `access.lo` and `access.hi`. */
  write(access: MmioAccess): void;
  /** A copy of the whole state. */
  save(): DeviceState;
  /**
   * Restores a state that `save` returned, on this or another instance of the same
   * configuration.
   * @throws {TypeError} when the state does not belong to this device, which is then
   *   unchanged.
   */
  restore(state: DeviceState): void;
  /**
   * Name of the register at an offset, for statistics and traces; the region's name and
   * offset when there is none.
   */
  registerName(region: number, offset: number): string;
}
