// SPDX-License-Identifier: MIT
// The segments of a chain as one sequence of bytes.

import type { DmaPort } from '../plugin/index.ts';
import type { Segment } from './split-queue.ts';

/**
 * Result of an access: done, or refused by the IOMMU. Otherwise the same access, with the
 * same array, has to be continued later: it was stalled by the IOMMU, or has more
 * segments than one turn has time for.
 */
export type AccessEnd = 'done' | 'refused' | 'stalled' | 'more';

/** True when an access has to be continued. */
export function isUnderWay(end: AccessEnd): end is 'stalled' | 'more' {
  return end === 'stalled' || end === 'more';
}

/** Maximum number of segments that one call accesses. */
const MOST_SEGMENTS = 64;

export class ScatteredBytes {
  readonly length: number;
  readonly #segments: readonly Segment[];
  readonly #port: DmaPort;
  /** The unfinished access: its array, and the bytes done. */
  #underWay: { readonly bytes: Uint8Array; done: number } | undefined;

  constructor(segments: readonly Segment[], port: DmaPort) {
    this.#segments = segments;
    this.#port = port;
    this.length = segments.reduce((sum, { length }) => sum + length, 0);
  }

  #access(how: 'read' | 'write', offset: number, bytes: Uint8Array): AccessEnd {
    const from = this.#underWay?.bytes === bytes ? this.#underWay.done : 0;
    const { done, end } = this.#continue(how, offset, bytes, from);
    this.#underWay = isUnderWay(end) ? { bytes, done } : undefined;
    return end;
  }

  /**
   * Accesses each segment's part of the bytes from `offset` on, after those already done.
   */
  #continue(
    how: 'read' | 'write',
    offset: number,
    bytes: Uint8Array,
    done: number,
  ): { readonly done: number; readonly end: AccessEnd } {
    if (offset + bytes.length > this.length) return { done, end: 'refused' };
    let start = 0;
    let accesses = 0;
    for (const { iova, length } of this.#segments) {
      const from = Math.max(0, offset + done - start);
      const count = Math.min(length - from, bytes.length - done);
      if (count > 0) {
        if (!Number.isSafeInteger(iova + length)) return { done, end: 'refused' };
        if (accesses++ === MOST_SEGMENTS) return { done, end: 'more' };
        const { ok, stalled } = this.#port[how](iova + from, bytes.subarray(done, done + count));
        if (stalled) return { done, end: 'stalled' };
        if (!ok) return { done, end: 'refused' };
        done += count;
      }
      start += length;
      if (done === bytes.length) break;
    }
    return { done, end: 'done' };
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
