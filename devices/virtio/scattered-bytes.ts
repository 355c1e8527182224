// SPDX-License-Identifier: MIT
// The segments of a chain as one run of bytes.

import type { DmaPort } from '../plugin/index.ts';
import type { Segment } from './split-queue.ts';

/** How an access ended: all of it, refused by the IOMMU, or held by it, to be tried again. */
export type AccessEnd = 'done' | 'refused' | 'stalled';

export class ScatteredBytes {
  readonly length: number;
  readonly #segments: readonly Segment[];
  readonly #port: DmaPort;

  constructor(segments: readonly Segment[], port: DmaPort) {
    this.#segments = segments;
    this.#port = port;
    this.length = segments.reduce((sum, { length }) => sum + length, 0);
  }

  /** Accesses each segment's part of the bytes from `offset` on. */
  #access(how: 'read' | 'write', offset: number, bytes: Uint8Array): AccessEnd {
    if (offset + bytes.length > this.length) return 'refused';
    let start = 0;
    let done = 0;
    for (const { iova, length } of this.#segments) {
      const from = Math.max(0, offset + done - start);
      const count = Math.min(length - from, bytes.length - done);
      if (count > 0) {
        if (!Number.isSafeInteger(iova + length)) return 'refused';
        const { ok, stalled } = this.#port[how](iova + from, bytes.subarray(done, done + count));
        if (stalled) return 'stalled';
        if (!ok) return 'refused';
        done += count;
      }
      start += length;
      if (done === bytes.length) break;
    }
    return 'done';
  }

  /** Reads the bytes from `offset` on into `target`. */
  read(offset: number, target: Uint8Array): AccessEnd {
    return this.#access('read', offset, target);
  }

  /** Writes `source` to the bytes from `offset` on. */
  write(offset: number, source: Uint8Array): AccessEnd {
    return this.#access('write', offset, source);
  }
}
