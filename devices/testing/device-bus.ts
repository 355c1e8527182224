// SPDX-License-Identifier: MIT
// A bus with one device on it: does the checks that a device may rely on, and answers what it must not see.

import type { AccessSize, Device, MmioAccess } from '../plugin/index.ts';

/** Register accesses of a guest to one device. */
export class DeviceBus {
  readonly device: Device;

  constructor(device: Device) {
    this.device = device;
  }

  #reaches({ region, offset, size }: MmioAccess): boolean {
    const at = this.device.regions[region];
    return (
      at?.accessSizes.includes(size) === true &&
      offset % size === 0 &&
      offset >= 0 &&
      offset + size <= at.size
    );
  }

  /** One read; 0 when no device answers. */
  read(region: number, offset: number, size: AccessSize): { lo: number; hi: number } {
    const access: MmioAccess = { region, offset, size, lo: 0, hi: 0, vcpu: 0 };
    if (this.#reaches(access)) this.device.read(access);
    return { lo: access.lo, hi: access.hi };
  }

  /** One write; ignored when no device answers. */
  write(region: number, offset: number, size: AccessSize, lo: number, hi = 0): void {
    const access: MmioAccess = { region, offset, size, lo, hi, vcpu: 0 };
    if (this.#reaches(access)) this.device.write(access);
  }

  /** 32-bit read of region 0. */
  read32(offset: number): number {
    return this.read(0, offset, 4).lo;
  }

  /** 32-bit write to region 0. */
  write32(offset: number, value: number): void {
    this.write(0, offset, 4, value >>> 0);
  }

  /** 64-bit read of region 0. */
  read64(offset: number): bigint {
    const { lo, hi } = this.read(0, offset, 8);
    return (BigInt(hi) << 32n) | BigInt(lo);
  }

  /** 64-bit write to region 0. */
  write64(offset: number, value: bigint): void {
    this.write(0, offset, 8, Number(value & 0xffffffffn), Number((value >> 32n) & 0xffffffffn));
  }
}
