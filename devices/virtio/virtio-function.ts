// SPDX-License-Identifier: MIT
// The function of a virtio device, without the transport by which its driver reaches it.

import type { ScatteredBytes } from './scattered-bytes.ts';

/** The buffers of a request. */
export interface RequestBuffers {
  /** Written by the driver. */
  readonly readable: ScatteredBytes;
  /** Written by the device. */
  readonly writable: ScatteredBytes;
}

/**
 * The work of a request.
 * @returns bytes written to its buffers when it is complete; `more` when it has to be
 *   continued in a later turn; `stalled` when the IOMMU stalled an access, which is
 *   retried.
 */
export type RequestWork = () => number | 'more' | 'stalled';

/**
 * Progress of a request. It is part of a saved device, so that finished parts are not
 * repeated.
 */
export interface RequestProgress {
  /**
   * Bytes of the driver's data that are done; 0 when a request begins for the first time.
   */
  done: number;
}

/**
 * A kind of device. A turn of its work is bounded, and it keeps nothing of a request that
 * has ended.
 */
export interface VirtioFunction {
  /** Device ID (virtio 1.2, section 5). */
  readonly deviceId: number;
  /** Feature bits of this kind. */
  readonly features: bigint;
  /** Maximum number of entries of each queue. */
  readonly queueSizes: readonly number[];
  /** Its configuration space. */
  readonly config: Uint8Array;
  /**
   * Whether its configuration and requests have the same layout by the legacy interface
   * (virtio 1.2, section 2.2.3), which `VirtioMmio` has with `legacy`. Default false.
   */
  readonly supportsLegacy?: boolean;
  /** True when a queue's buffers can be used now. Default: always. */
  wants?(queue: number): boolean;
  /**
   * The device was reset, by its driver or with its machine, or a saved state was
   * restored: drops what the driver has said before. Default: there is nothing of that
   * kind.
   */
  reset?(): void;
  /**
   * Begins a request, or continues one of a restored machine.
   * @param accepted feature bits that the driver has accepted; a driver of the legacy
   *   interface may have accepted none.
   */
  begin(
    queue: number,
    buffers: RequestBuffers,
    progress: RequestProgress,
    accepted: bigint,
  ): RequestWork;
}
