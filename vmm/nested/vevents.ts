// SPDX-License-Identifier: MIT
// The contents of a read from a vEVENTQ's file.

import { VEVENT_FLAG_LOST, VEVENT_HEADER_SIZE } from '../../host/iommufd/index.ts';

/** Size of a read of `depth` events of `size` bytes. */
export const veventBytes = (depth: number, size: number) => depth * (VEVENT_HEADER_SIZE + size);

/**
 * The events of `size` bytes after their headers; a header that reports lost events has
 * none.
 */
export function* vevents(bytes: Uint8Array, size: number): Generator<DataView> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length; ) {
    const isLost = (view.getUint32(at, true) & VEVENT_FLAG_LOST) !== 0;
    at += VEVENT_HEADER_SIZE;
    if (isLost) continue;
    yield new DataView(view.buffer, view.byteOffset + at, size);
    at += size;
  }
}
