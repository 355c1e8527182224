// SPDX-License-Identifier: MIT
// TypeScript view of a segment block in host memory (assembly/layout/segment-memory.ts):
// the physical segments of an access of several pages.

import { HOST_SEGMENTS, SEGMENTS_STRIDE } from '../../assembly/layout/host-memory.ts';
import {
  SEGMENT_LENGTH,
  SEGMENT_PA,
  SEGMENT_SIZE,
  SEGMENTS_COUNT,
  SEGMENTS_FIRST,
} from '../../assembly/layout/segment-memory.ts';
import { checkThread } from './host-memory-check.ts';

/** The block of one thread, which only that thread may read. */
export class SegmentBlock {
  readonly #words: Uint32Array;
  readonly #block: number;

  /**
   * @param thread index of the block, from 0.
   * @throws {TypeError|RangeError} when the memory is not from `createHostMemory`, or
   *   there is no such thread.
   */
  constructor(hostMemory: WebAssembly.Memory, thread: number) {
    checkThread(hostMemory, thread, 'SegmentBlock');
    this.#words = new Uint32Array(hostMemory.buffer);
    this.#block = HOST_SEGMENTS + thread * SEGMENTS_STRIDE;
  }

  #word(offset: number): number {
    return this.#words[(this.#block + offset) >> 2] ?? 0;
  }

  /** Number of segments of the last access. */
  get count(): number {
    return this.#word(SEGMENTS_COUNT);
  }

  /** PA of a segment's first byte: an integer below 2^53. */
  pa(index: number): number {
    const at = SEGMENTS_FIRST + index * SEGMENT_SIZE + SEGMENT_PA;
    return this.#word(at + 4) * 2 ** 32 + this.#word(at);
  }

  /** Bytes of a segment. */
  length(index: number): number {
    return this.#word(SEGMENTS_FIRST + index * SEGMENT_SIZE + SEGMENT_LENGTH);
  }
}
