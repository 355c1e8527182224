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

  /** Calls `access` for each segment's part of the bytes from `offset` on. */
  #each(
    offset: number,
    bytes: Uint8Array,
    access: (
      iova: number,
      part: Uint8Array,
    ) => { readonly ok: boolean; readonly stalled?: boolean },
  ): AccessEnd {
    if (offset + bytes.length > this.length) return 'refused';
    let start = 0;
    let done = 0;
    for (const { iova, length } of this.#segments) {
      const from = Math.max(0, offset + done - start);
      const count = Math.min(length - from, bytes.length - done);
      if (count > 0) {
        if (!Number.isSafeInteger(iova + length)) return 'refused';
        const { ok, stalled } = access(iova + from, bytes.subarray(done, done + count));
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
    return this.#each(offset, target, (iova, part) => this.#port.read(iova, part));
  }

  /** Writes `source` to the bytes from `offset` on. */
  write(offset: number, source: Uint8Array): AccessEnd {
    return this.#each(offset, source, (iova, part) => this.#port.write(iova, part));
  }
}
