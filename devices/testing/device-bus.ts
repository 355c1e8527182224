// SPDX-License-Identifier: MIT
// A bus with one device: performs the checks that a device may rely on, and answers
// accesses that a device must not get.

import { checkDeviceShape } from '../plugin/device-shape.ts';
import type { AccessSize, Device, MmioAccess } from '../plugin/index.ts';
import { checkWord } from '../plugin/known-words.ts';
import { bigUint64, uint } from '../plugin/option-kinds.ts';

/** Register accesses of a guest to one device. */
export class DeviceBus {
  readonly device: Device;

  /** @throws {TypeError|RangeError} when it is not a device, or has an invalid region. */
  constructor(device: Device) {
    checkDeviceShape(device, 'DeviceBus: device');
    this.device = device;
  }

  #reaches({ region, offset, size }: MmioAccess): boolean {
    for (const [name, value] of Object.entries({ region, offset, size }))
      uint(value, 'DeviceBus', name);
    const at = this.device.regions[region];
    return (
      at?.accessSizes.includes(size) === true &&
      offset % size === 0 &&
      offset >= 0 &&
      offset + size <= at.size
    );
  }

  /**
   * One read; 0 when no device answers.
   * @throws {TypeError|RangeError} when an argument is not an integer of at least 0.
   */
  read(region: number, offset: number, size: AccessSize): { lo: number; hi: number } {
    const access: MmioAccess = { region, offset, size, lo: 0, hi: 0, vcpu: 0 };
    if (this.#reaches(access)) this.device.read(access);
    return { lo: access.lo, hi: access.hi };
  }

  /**
   * One write; ignored when no device answers.
   * @throws {TypeError|RangeError} when a place is not an integer of at least 0, or a
   *   value not a 32-bit integer.
   */
  write(region: number, offset: number, size: AccessSize, lo: number, hi = 0): void {
    for (const [name, value] of Object.entries({ lo, hi })) checkWord(value, `DeviceBus: ${name}`);
    const access: MmioAccess = { region, offset, size, lo, hi, vcpu: 0 };
    if (this.#reaches(access)) this.device.write(access);
  }

  /**
   * 32-bit read of region 0.
   * @throws {TypeError|RangeError} when the offset is not an integer of at least 0.
   */
  read32(offset: number): number {
    return this.read(0, offset, 4).lo;
  }

  /**
   * 32-bit write to region 0.
   * @throws {TypeError|RangeError} when the offset is not an integer of at least 0, or
   *   the value not a 32-bit integer.
   */
  write32(offset: number, value: number): void {
    checkWord(value, 'DeviceBus: value');
    this.write(0, offset, 4, value >>> 0);
  }

  /**
   * 64-bit read of region 0.
   * @throws {TypeError|RangeError} when the offset is not an integer of at least 0.
   */
  read64(offset: number): bigint {
    const { lo, hi } = this.read(0, offset, 8);
    return (BigInt(hi) << 32n) | BigInt(lo);
  }

  /**
   * 64-bit write to region 0.
   * @throws {TypeError|RangeError} when the offset is not an integer of at least 0, or
   *   the value not a 64-bit bigint.
   */
  write64(offset: number, value: bigint): void {
    bigUint64(value, 'DeviceBus', 'value');
    this.write(0, offset, 8, Number(value & 0xffffffffn), Number((value >> 32n) & 0xffffffffn));
  }
}
