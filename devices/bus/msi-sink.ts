// SPDX-License-Identifier: MIT
// Where the MSIs of a machine's devices go.

import type { MemoryRegion } from '../../assembly/load.ts';
import type { GuestMemory } from '../plugin/index.ts';
import { checkList, checkMethods } from '../plugin/known-values.ts';
import { overlapText, rangesOverlap } from './address-range.ts';

const PAGE = 4096;

/** Takes MSIs: 32-bit writes that carry the requester ID of their device. */
export interface MsiSink {
  /**
   * @param requesterId undefined: the board has given the device none.
   * @param address gpa, a multiple of 4.
   * @returns false when nothing at the address takes the write.
   */
  send(requesterId: number | undefined, address: number, data: number): boolean;
}

/** Pages whose registers take MSIs: a GICv2m frame, the page of an ITS's GITS_TRANSLATER. */
export interface DoorbellPages {
  /** A multiple of 4 KiB, below 4 GiB and outside of RAM. */
  readonly gpa: number;
  /** Bytes, a multiple of 4 KiB. */
  readonly size: number;
}

/**
 * A board's interrupt controller for MSIs. A VM's stage 2 maps the doorbell pages at their gpa, so
 * that a bus master reaches them through its IOMMU as it reaches RAM.
 */
export interface MsiController extends MsiSink {
  /** Where `send` is asked; a page that takes no MSI at some address answers false there. */
  readonly doorbells: readonly DoorbellPages[];
}

/**
 * @param what names it: "msis".
 * @throws {TypeError} when it is no controller: without `send`, or a list of doorbell pages.
 */
export function checkMsiController(controller: MsiController, what: string): void {
  checkMethods(controller, ['send'], what);
  checkList(controller.doorbells, `${what}.doorbells`);
}

/** @throws {RangeError} when a doorbell page is not a page below 4 GiB, or lies in RAM. */
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

/** Whether a 32-bit write at a gpa is one to a doorbell page. */
export function isDoorbell({ doorbells }: MsiController, address: number): boolean {
  return (
    address % 4 === 0 && doorbells.some(({ gpa, size }) => address >= gpa && address < gpa + size)
  );
}

/**
 * The sink of a board: writes to doorbell pages go to its controller. All others are stores to
 * RAM, as software that polls for them wants.
 * @param controller undefined: the board has none.
 */
export function boardMsiSink(memory: GuestMemory, controller?: MsiController): MsiSink {
  return {
    send: (requesterId, address, data) =>
      controller && isDoorbell(controller, address)
        ? controller.send(requesterId, address, data)
        : memory.store32(address, data),
  };
}
