// A device at its place on a board.

import { BoardError, type Device, type DmaPort, unknownName } from '../plugin/index.ts';
import { allNamesOf } from '../plugin/known-names.ts';

/** A device at its place on a board. */
export interface Placement {
  readonly device: Device;
  /** gpa of each of the device's regions. */
  readonly addresses: readonly number[];
  /** Board line of the device's first interrupt; its lines follow each other. */
  readonly firstIrq?: number;
  /** The way to memory of a bus master. */
  readonly dmaPort?: DmaPort;
  /**
   * ID that the device's MSIs carry. A `dmaPort` that is given has one of its own; a port that the
   * board makes takes this one, and by default its StreamID.
   */
  readonly requesterId?: number;
}

const FIELDS = allNamesOf<Placement>({
  device: true,
  addresses: true,
  firstIrq: true,
  dmaPort: true,
  requesterId: true,
});

/** @throws {BoardError} when a place has a field that there is not, or not its addresses. */
export function checkPlacement(placement: Placement): void {
  const { device, addresses } = placement;
  const refuse = (what: string) => {
    throw new BoardError('placement', `device ${device.name}: ${what}`);
  };
  const unknown = Object.keys(placement).find((name) => !FIELDS.some((field) => field === name));
  if (unknown !== undefined) refuse(unknownName('field', unknown, FIELDS));
  const regions = device.regions.length;
  if (!Array.isArray(addresses) || addresses.length !== regions)
    refuse(`addresses must be a list with a gpa for each of its ${regions} regions`);
  const bad = addresses.find((gpa) => !Number.isInteger(gpa / 0x1000) || gpa < 0);
  if (bad !== undefined) refuse(`${bad} is no gpa for a region: a multiple of 4 KiB`);
}
