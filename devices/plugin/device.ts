// SPDX-License-Identifier: MIT
// What a device gives its host. The interface knows no particular VMM: anything that
// implements `DeviceHost` (device-host.ts) can carry these devices, and the second host
// under test/ does.

import type { DeviceHost } from './device-host.ts';

/**
 * Version of the plugin interface: this file and device-host.ts. Hosts also carry devices
 * of version 1; docs/device-plugin.md has what changed.
 */
export const PLUGIN_INTERFACE_VERSION = 2;

/** Sizes in bytes that an access can have. */
export type AccessSize = 1 | 2 | 4 | 8;

/**
 * One register access, reused by the bus from access to access: a device reads what it needs and keeps no reference.
 * A value wider than 32 bits is split, so that no access allocates a BigInt.
 */
export interface MmioAccess {
  /** Index into `Device.regions`. */
  region: number;
  /** Byte offset in the region; the bus has checked that the whole access lies inside. */
  offset: number;
  /**
   * Bytes; the bus has checked the size against the region's `accessSizes`, and that the
   * offset is a multiple of it.
   */
  size: AccessSize;
  /**
   * Value, bits [31:0], unsigned, and below 2^(8 * size) for a size of 1 or 2. A read
   * leaves its result here: of a register that is wider than the access, the bytes from
   * `offset` on.
   */
  lo: number;
  /** Value, bits [63:32], unsigned; 0 unless `size` is 8. */
  hi: number;
  /** Index of the vCPU that makes the access. */
  vcpu: number;
}

/** A window of registers that the host places in its guest's physical address space. */
export interface DeviceRegion {
  readonly name: string;
  /** Bytes, a multiple of 4 KiB. */
  readonly size: number;
  /** Access sizes that the device understands; the bus answers all others as reads of 0 and ignored writes. */
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

/** State of a device as plain data: what `save` returns and `restore` takes. Survives structuredClone and JSON. */
export type DeviceState = { readonly [field: string]: StateValue };
/** What a saved state consists of: anything that JSON can hold. */
export type StateValue =
  | number
  | string
  | boolean
  | null
  | readonly StateValue[]
  | { readonly [field: string]: StateValue };

/**
 * A device model. `attach` is called before anything else; `reset` before the first access and whenever the machine
 * is reset. `read` and `write` never throw, whatever the guest does: a bad access has only the effect that the device's
 * architecture gives it.
 */
export interface Device {
  /** Short name, unique in a machine, used in traces and statistics. */
  readonly name: string;
  readonly interfaceVersion: number;
  readonly identity: DeviceIdentity;
  readonly regions: readonly DeviceRegion[];
  /**
   * Takes its host; accesses nothing of it yet. A device belongs to one machine at a
   * time. After that one is destroyed everything that its host gave is dead (lines,
   * ports, timers, memory), and the device may be attached again, to another.
   */
  attach(host: DeviceHost): void;
  /** Back to the state out of reset. Memory of the guest is left alone. */
  reset(): void;
  /** Fills `access.lo` and `access.hi`. */
  read(access: MmioAccess): void;
  /** Takes `access.lo` and `access.hi`. */
  write(access: MmioAccess): void;
  /** A copy of the whole state. */
  save(): DeviceState;
  /**
   * Takes over a state that `save` returned, on this or another instance of the same configuration.
   * @throws {TypeError} when the state is not of this device; the device is then unchanged.
   */
  restore(state: DeviceState): void;
  /** Name of the register at an offset, for statistics and traces; the region's name and offset when there is none. */
  registerName(region: number, offset: number): string;
}
