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
  /** ID that the device's MSIs carry. Default: the StreamID of its `dmaPort`. */
  readonly requesterId?: number;
}
