// SPDX-License-Identifier: MIT
// Targets of the MSIs of a machine's devices.

import type { MemoryRegion } from '../../assembly/load.ts';
import type { GuestMemory } from '../plugin/index.ts';
import { checkList, checkMethods } from '../plugin/known-values.ts';
import { overlapText, rangesOverlap } from './address-range.ts';

const PAGE = 4096;

/** Accepts MSIs: 32-bit writes that carry the requester ID of their device. */
export interface MsiSink {
  /**
   * @param requesterId undefined when the board has not assigned one to the device.
   * @param address gpa, a multiple of 4.
   * @returns false when nothing at the address accepts the write.
   */
  send(requesterId: number | undefined, address: number, data: number): boolean;
}

/**
 * Pages with registers that accept MSIs: a GICv2m frame, the page of an ITS's
 * GITS_TRANSLATER.
 */
export interface DoorbellPages {
  /** A multiple of 4 KiB, below 4 GiB and outside of RAM. */
  readonly gpa: number;
  /** Bytes, a multiple of 4 KiB. */
  readonly size: number;
}

/**
 * A board's interrupt controller for MSIs. A VM's stage 2 maps the doorbell pages at
 * their gpa, so a bus master reaches them through its IOMMU like RAM.
 */
export interface MsiController extends MsiSink {
  /**
   * Pages for which `send` is called. It returns false for addresses in them that accept
   * no MSI.
   */
  readonly doorbells: readonly DoorbellPages[];
}

/**
 * @param what its name in messages: "msis".
 * @throws {TypeError} when it is not a controller: without `send`, or without a list of
 *   doorbell pages.
 */
export function checkMsiController(controller: MsiController, what: string): void {
  checkMethods(controller, ['send'], what);
  checkList(controller.doorbells, `${what}.doorbells`);
}

/**
 * @throws {RangeError} when a doorbell page is not a page below 4 GiB, or overlaps RAM.
 */
export function checkDoorbells(
  { doorbells }: MsiController,
  regions: readonly MemoryRegion[],
): void {
  for (const { gpa, size } of doorbells) {
    const name = `the doorbell pages at 0x${gpa?.toString(16)}`;
    if (!(gpa >= 0 && gpa % PAGE === 0 && size > 0 && size % PAGE === 0 && gpa + size <= 2 ** 32))
      throw new RangeError(`${name} are not pages of 4 KiB below 4 GiB`);
    const ram = regions.find((region) => rangesOverlap(region, { gpa, size }));
    if (ram)
      throw new RangeError(
        overlapText({ name: 'the MSI doorbell range', gpa, size }, { ...ram, name: 'RAM' }),
      );
  }
}

/** True when a 32-bit write at a gpa targets a doorbell page. */
export function isDoorbell({ doorbells }: MsiController, address: number): boolean {
  return (
    address % 4 === 0 && doorbells.some(({ gpa, size }) => address >= gpa && address < gpa + size)
  );
}

/**
 * The sink of a board. Writes to doorbell pages go to its controller; all others are
 * stores to RAM, for software that polls.
 * @param controller undefined when the board has none.
 */
export function boardMsiSink(memory: GuestMemory, controller?: MsiController): MsiSink {
  return {
    send: (requesterId, address, data) =>
      controller && isDoorbell(controller, address)
        ? controller.send(requesterId, address, data)
        : memory.store32(address, data),
  };
}
