// SPDX-License-Identifier: MIT
// What a virtio device does, without the transport by which its driver reaches it.

import type { ScatteredBytes } from './scattered-bytes.ts';

/** The buffers of a request. */
export interface RequestBuffers {
  /** What the driver has written. */
  readonly readable: ScatteredBytes;
  /** What the device writes. */
  readonly writable: ScatteredBytes;
}

/**
 * A request that has been begun.
 * @returns bytes written to its buffers when it is complete; `more` when there is more to do in a later
 * turn; `stalled` when the IOMMU holds an access, which is made again.
 */
export type RequestWork = () => number | 'more' | 'stalled';

/** How far a request has got. It is part of a saved device, so that what is done for good is not done again. */
export interface RequestProgress {
  /** Bytes of what the driver has written; 0 when a request begins for the first time. */
  done: number;
}

/** A kind of device. A turn of its work is bounded, and it keeps nothing of a request that has ended. */
export interface VirtioFunction {
  /** Device ID (virtio 1.2, section 5). */
  readonly deviceId: number;
  /** Feature bits of this kind. */
  readonly features: bigint;
  /** Most entries of each queue. */
  readonly queueSizes: readonly number[];
  /** Its configuration space. */
  readonly config: Uint8Array;
  /** Whether there is something to do with a queue's buffers now. Default: always. */
  wants?(queue: number): boolean;
  /** Begins a request, or goes on with one of a restored machine. */
  begin(queue: number, buffers: RequestBuffers, progress: RequestProgress): RequestWork;
}
