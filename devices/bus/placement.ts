// SPDX-License-Identifier: MIT
// A device at its place on a board.

import { checkDeviceShape } from '../plugin/device-shape.ts';
import { BoardError, type Device, type DmaPort, unknownName } from '../plugin/index.ts';
import { allNamesOf, checkOptionalMethods, shownValue } from '../plugin/known-names.ts';
import { checkList, checkMethods } from '../plugin/known-values.ts';

/** A device at its place on a board. */
export interface Placement {
  /** The device, plugged in nowhere else. */
  readonly device: Device;
  /** gpa of each of the device's regions. */
  readonly addresses: readonly number[];
  /**
   * Board line of the device's first interrupt; its lines follow each other. Devices may share lines: a
   * line is asserted while one of them asserts it.
   */
  readonly firstIrq?: number;
  /** The way to memory of a bus master. */
  readonly dmaPort?: DmaPort;
  /**
   * ID that the device's MSIs carry. A `dmaPort` that is given has one of its own; a port that the
   * board makes takes this one, and by default its StreamID.
   */
  readonly requesterId?: number;
  /** Number of the machine's SMMU that the device is behind, or belongs to. Default 0. */
  readonly smmu?: number;
  /**
   * It has no addresses: another device of the board carries accesses to it, as a PCIe host does.
   * Default false.
   */
  readonly bridged?: boolean;
}

const FIELDS = allNamesOf<Placement>({
  device: true,
  addresses: true,
  firstIrq: true,
  dmaPort: true,
  requesterId: true,
  smmu: true,
  bridged: true,
});

/** @throws {BoardError} with what a check says. */
function asPlacement(device: string, check: () => void): void {
  try {
    check();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BoardError('placement', `device ${device}: ${reason}`, { cause });
  }
}

/** @throws {BoardError} when a place has a field that there is not, no device, or not its addresses. */
export function checkPlacement(placement: Placement): void {
  const {
    device,
    addresses,
    firstIrq,
    dmaPort,
    requesterId,
    smmu,
    bridged = false,
  } = placement ?? {};
  if (!Array.isArray(device?.regions))
    throw new BoardError('placement', 'a place without a device: it is { device, addresses, … }');
  const refuse = (what: string) => {
    throw new BoardError('placement', `device ${device.name}: ${what}`);
  };
  const unknown = Object.keys(placement).find((name) => !FIELDS.some((field) => field === name));
  if (unknown !== undefined) refuse(unknownName('field', unknown, FIELDS));
  asPlacement(device.name, () => checkDeviceShape(device, 'the device'));
  if (typeof bridged !== 'boolean') refuse('bridged must be true or false');
  if (dmaPort !== undefined)
    asPlacement(device.name, () => {
      checkMethods(dmaPort, ['read', 'write'], 'dmaPort');
      checkOptionalMethods(dmaPort, ['abandon', 'hint'], 'dmaPort');
    });
  const regions = bridged ? 0 : device.regions.length;
  if (!Array.isArray(addresses) || addresses.length !== regions)
    refuse(`addresses must be a list with a gpa for each of its ${regions} regions`);
  for (const [name, number] of Object.entries({ firstIrq, requesterId, smmu }))
    if (number !== undefined && !(Number.isInteger(number) && number >= 0))
      refuse(`${name} must be an integer from 0, not ${shownValue(number)}`);
  const { interrupts } = device.identity;
  if (firstIrq === undefined && interrupts > 0 && !bridged)
    refuse(`firstIrq is missing: the device has ${interrupts} interrupt lines`);
  const bad = addresses.find(
    (gpa) => typeof gpa !== 'number' || !Number.isInteger(gpa / 0x1000) || gpa < 0,
  );
  if (bad !== undefined) refuse(`${shownValue(bad)} is no gpa for a region: a multiple of 4 KiB`);
}

/**
 * @param what names the list: "DeviceComplex: devices".
 * @throws {TypeError} when it is no list.
 * @throws {BoardError} when one of them has no right place.
 */
export function checkPlacementList(placements: readonly Placement[], what: string): void {
  checkList(placements, what);
  for (const placement of placements) checkPlacement(placement);
}
