// SPDX-License-Identifier: MIT
// Physical StreamIDs of an SMMU in blocks, one for each of its vIOMMUs; the first block
// is the host's own.

import { CMDQV_SIDS_PER_VINTF } from '../../assembly/layout/cmdqv-registers.ts';
import { MAX_STREAMS, MAX_VIOMMUS } from '../../assembly/layout/context-memory.ts';
import { HostError } from '../hardware/host-error.ts';
import { IdAllocator } from './id-allocator.ts';

/** Width of a StreamID with which each vIOMMU, and the host, has 256 of them. */
export const AMPLE_SID_BITS = 15;

export class StreamBlocks {
  /** StreamIDs of a block: 256, or as many as a VINTF has pairs for when they are few. */
  readonly size: number;
  readonly #blocks: IdAllocator;

  /** @param sidBits width of the StreamIDs of the SMMU's stream table. */
  constructor(sidBits: number) {
    this.size = sidBits >= AMPLE_SID_BITS ? MAX_STREAMS : CMDQV_SIDS_PER_VINTF;
    const count = Math.min(Math.floor(2 ** sidBits / this.size) - 1, MAX_VIOMMUS);
    const exhausted = `an SMMU with StreamIDs of ${sidBits} bits has enough for at most ${Math.max(count, 0)} vIOMMUs`;
    this.#blocks = new IdAllocator(1, 1 + count, 'no-context', exhausted);
  }

  /**
   * Allocates a block with room for this many streams. Returns its first StreamID.
   * @throws {HostError} when a block is too small, or all are in use.
   */
  allocate(streams: number): number {
    if (streams > this.size)
      throw new HostError(
        'no-stream',
        `a vIOMMU has at most ${this.size} StreamIDs behind this SMMU, not ${streams}`,
      );
    return this.size * this.#blocks.allocate();
  }

  /** Frees the block that begins with this StreamID. */
  free(first: number): void {
    this.#blocks.free(first / this.size);
  }
}
