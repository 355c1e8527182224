// SPDX-License-Identifier: MIT
// The MMIO bus: finds the device region of an address, checks the access, and passes it
// on.

import { checkDeviceShape } from '../plugin/device-shape.ts';
import type { AccessSize, Device, DeviceRegion, MmioAccess } from '../plugin/index.ts';
import { MachineError } from '../plugin/index.ts';
import { checkInteger, checkList, checkMethods } from '../plugin/known-values.ts';
import { checkWord } from '../plugin/known-words.ts';
import { overlapText } from './address-range.ts';

/** A device region and its address: gpa on a machine's bus, pa on a host's. */
export interface BusMount {
  readonly device: Device;
  /** Index into `device.regions`. */
  readonly region: number;
  readonly address: number;
}

/** Counts accesses by register, like the exit counter. */
export interface RegisterCounter {
  /**
   * Called before the device carries out the access.
   * @param mount index into `Bus.mounts`.
   * @param offset byte offset in its region.
   * @param stored bits [31:0] of a store; undefined for a load.
   */
  countRegister(mount: number, offset: number, stored?: number): void;
}

/** Accesses that had no effect. */
export interface BusStatistics {
  readonly unmappedReads: number;
  readonly unmappedWrites: number;
  /** Accesses outside a region, or of a size or alignment that it does not support. */
  readonly refused: number;
}

interface MountedRegion extends BusMount {
  readonly end: number;
  /** For each size in bytes, whether the region supports accesses of it. */
  readonly takes: readonly boolean[];
}

/** Guest physical addresses have 32 bits on every board (docs/limits.md). */
const ADDRESS_LIMIT = 2 ** 32;

/** The low `size` bytes of a value, at most four of them, unsigned. */
function truncated(value: number, size: AccessSize): number {
  return size === 1 ? value & 0xff : size === 2 ? value & 0xffff : value >>> 0;
}

function checkAddress({ device, region, address }: BusMount, size: number): void {
  checkInteger(address, 0, ADDRESS_LIMIT, `region ${region} of ${device.name}: address`);
  if (address + size <= ADDRESS_LIMIT) return;
  throw new RangeError(
    `region ${region} of ${device.name} lies at 0x${address.toString(16)}: a device's ` +
      `0x${size.toString(16)} bytes have to lie below 4 GiB`,
  );
}

function regionOf(mount: BusMount): DeviceRegion {
  const region = mount.device.regions[mount.region];
  if (!region) throw new RangeError(`${mount.device.name} has no region ${mount.region}`);
  return region;
}

/** By the number of bytes, 0 to 8. */
function takenSizes({ accessSizes }: DeviceRegion): readonly boolean[] {
  const taken = new Set<number>(accessSizes);
  return Array.from({ length: 9 }, (_, size) => taken.has(size));
}

const rangeOf = ({ device, address, end }: MountedRegion) => ({
  name: device.name,
  gpa: address,
  size: end - address,
});

/**
 * Checks the arguments of an access that no device accepts: it may be a mistake of the
 * caller, with types or values that no access has.
 * @throws {TypeError|RangeError} that names the wrong argument.
 */
function checkAccess(address: unknown, size: unknown, vcpu: unknown): void {
  checkInteger(address, 0, Number.MAX_SAFE_INTEGER, 'Bus: address');
  checkInteger(size, 1, 8, 'Bus: size');
  checkInteger(vcpu, 0, 0xffff, 'Bus: vcpu');
}

/** Finds the register region of an address, and performs the access there. */
export class Bus {
  /** In ascending order of address. */
  readonly mounts: readonly BusMount[];
  readonly #regions: readonly MountedRegion[];
  readonly #counter: RegisterCounter | undefined;
  readonly #access: MmioAccess = { region: 0, offset: 0, size: 4, lo: 0, hi: 0, vcpu: 0 };
  /** Upper half of the last 64-bit read. */
  #hi = 0;
  /** Most accesses go to the same region as the previous one. */
  #last = 0;
  #unmappedReads = 0;
  #unmappedWrites = 0;
  #refused = 0;

  /**
   * @throws {TypeError} when the mounts are not a list, or one has no device.
   * @throws {RangeError} when two regions overlap, or one is not below 4 GiB.
   */
  constructor(mounts: readonly BusMount[], counter?: RegisterCounter) {
    checkList(mounts, 'Bus: mounts');
    mounts.forEach((mount, i) => {
      checkDeviceShape(mount?.device, `Bus: mounts[${i}].device`);
    });
    if (counter !== undefined) checkMethods(counter, ['countRegister'], 'Bus: counter');
    for (const mount of mounts) checkAddress(mount, regionOf(mount).size);
    this.#regions = mounts
      .map((mount) => ({
        ...mount,
        end: mount.address + regionOf(mount).size,
        takes: takenSizes(regionOf(mount)),
      }))
      .sort((a, b) => a.address - b.address);
    this.mounts = this.#regions;
    this.#counter = counter;
    for (let i = 1; i < this.#regions.length; i++) {
      const [below, above] = [this.#regions[i - 1], this.#regions[i]];
      if (below && above && below.end > above.address)
        throw new RangeError(overlapText(rangeOf(below), rangeOf(above)));
    }
  }

  #find(address: number): MountedRegion | undefined {
    const last = this.#regions[this.#last];
    if (last && address >= last.address && address < last.end) return last;
    let low = 0;
    let high = this.#regions.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const region = this.#regions[middle];
      if (!region) break;
      if (address < region.address) high = middle - 1;
      else if (address >= region.end) low = middle + 1;
      else {
        this.#last = middle;
        return region;
      }
    }
    return undefined;
  }

  /**
   * True when a device region covers this address. To a CPU, any other address is an
   * external abort.
   */
  isMapped(address: number): boolean {
    if (this.#find(address) !== undefined && Number.isInteger(address)) return true;
    checkAccess(address, 1, 0);
    return false;
  }

  /**
   * The access in the form that devices get; undefined when no device accepts it.
   * `stored` are bits [31:0] of a store, undefined for a load.
   */
  #prepare(
    address: number,
    size: AccessSize,
    vcpu: number,
    stored: number | undefined,
  ): MountedRegion | undefined {
    if (
      typeof address !== 'number' ||
      typeof size !== 'number' ||
      !Number.isInteger(vcpu) ||
      vcpu < 0
    )
      checkAccess(address, size, vcpu);
    const region = this.#find(address);
    if (!region) {
      checkAccess(address, size, vcpu);
      if (stored === undefined) this.#unmappedReads++;
      else this.#unmappedWrites++;
      return undefined;
    }
    const offset = address - region.address;
    this.#counter?.countRegister(this.#last, offset, stored);
    if (!region.takes[size] || offset % size !== 0 || address + size > region.end) {
      checkAccess(address, size, vcpu);
      this.#refused++;
      return undefined;
    }
    const access = this.#access;
    access.region = region.region;
    access.offset = offset;
    access.size = size;
    access.vcpu = vcpu;
    access.lo = 0;
    access.hi = 0;
    return region;
  }

  /**
   * Reads a register: bits [31:0], unsigned. Without a device that accepts the access the
   * value is 0.
   */
  read(address: number, size: AccessSize, vcpu = 0): number {
    this.#hi = 0;
    const region = this.#prepare(address, size, vcpu, undefined);
    if (!region) return 0;
    try {
      region.device.read(this.#access);
    } catch (cause) {
      throw this.#failed(region, cause);
    }
    const { lo, hi } = this.#access;
    this.#hi = size === 8 ? hi >>> 0 : 0;
    return truncated(lo, size);
  }

  /** Bits [63:32] of the last `read`, unsigned. */
  get high(): number {
    return this.#hi;
  }

  /**
   * Writes a register: value bits [31:0] and [63:32], of which the device gets `size`
   * bytes. Ignored when no device accepts the access.
   */
  write(address: number, size: AccessSize, lo: number, hi = 0, vcpu = 0): void {
    checkWord(lo, 'Bus: lo');
    checkWord(hi, 'Bus: hi');
    const region = this.#prepare(address, size, vcpu, lo);
    if (!region) return;
    this.#access.lo = truncated(lo, size);
    this.#access.hi = size === 8 ? hi >>> 0 : 0;
    try {
      region.device.write(this.#access);
    } catch (cause) {
      throw this.#failed(region, cause);
    }
  }

  /**
   * The error for a device that threw: devices promise not to. Errors that only pass
   * through a device on their way out of the guest keep their type.
   */
  #failed(region: MountedRegion, cause: unknown): Error {
    return MachineError.of(region.device.name, cause);
  }

  get statistics(): BusStatistics {
    return {
      unmappedReads: this.#unmappedReads,
      unmappedWrites: this.#unmappedWrites,
      refused: this.#refused,
    };
  }
}
