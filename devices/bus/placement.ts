// SPDX-License-Identifier: MIT
// A device and its place on a board.

import { checkDeviceShape } from '../plugin/device-shape.ts';
import { BoardError, type Device, type DmaPort, unknownName } from '../plugin/index.ts';
import { allNamesOf, checkOptionalMethods, shownValue } from '../plugin/known-names.ts';
import { checkList, checkMethods } from '../plugin/known-values.ts';

/** A device and its place on a board. */
export interface Placement {
  /** The device, which must not be attached elsewhere. */
  readonly device: Device;
  /** gpa of each region of the device. */
  readonly addresses: readonly number[];
  /**
   * Board line of the device's first interrupt; the others have the next numbers. Devices
   * may share lines: a line is asserted while any of them asserts it.
   */
  readonly firstIrq?: number;
  /** A bus master's access to memory. */
  readonly dmaPort?: DmaPort;
  /**
   * Requester ID of the device's MSIs. A `dmaPort` passed here has its own; a port made
   * by the board uses this one, by default the device's StreamID.
   */
  readonly requesterId?: number;
  /**
   * Number of the machine's SMMU that translates for the device, or that the device
   * belongs to. Default 0.
   */
  readonly smmu?: number;
  /**
   * The device has no addresses: another device of the board, such as a PCIe host, passes
   * accesses on to it. Default false.
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

/** @throws {BoardError} with the message of a failed check. */
function asPlacement(device: string, check: () => void): void {
  try {
    check();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BoardError('placement', `device ${device}: ${reason}`, { cause });
  }
}

/**
 * @throws {BoardError} when the place has an unknown field, no device, or the wrong
 *   number of addresses.
 */
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
  if (bad !== undefined)
    refuse(`${shownValue(bad)} is not a gpa for a region: a multiple of 4 KiB`);
}

/**
 * @param what the name of the list in messages: "DeviceComplex: devices".
 * @throws {TypeError} when it is not a list.
 * @throws {BoardError} when an element is not a valid place.
 */
export function checkPlacementList(placements: readonly Placement[], what: string): void {
  checkList(placements, what);
  for (const placement of placements) checkPlacement(placement);
}
