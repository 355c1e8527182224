import type { Device, DmaPort } from '../plugin/index.ts';

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
