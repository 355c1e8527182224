// SPDX-License-Identifier: MIT
// Physical StreamIDs of an SMMU in blocks, one for each vIOMMU behind it; the first block is the host's own.

import { CMDQV_SIDS_PER_VINTF } from '../../assembly/layout/cmdqv-registers.ts';
import { MAX_STREAMS, MAX_VIOMMUS } from '../../assembly/layout/context-memory.ts';
import { HostError } from '../hardware/host-error.ts';
import { IdAllocator } from './id-allocator.ts';

/** Bits of a StreamID with which each vIOMMU, and the host, has 256 of them. */
export const AMPLE_SID_BITS = 15;

export class StreamBlocks {
  /** StreamIDs of a block: where there are few, as many as a VINTF has pairs for. */
  readonly size: number;
  readonly #blocks: IdAllocator;

  /** @param sidBits bits of a StreamID that the SMMU's stream table has. */
  constructor(sidBits: number) {
    this.size = sidBits >= AMPLE_SID_BITS ? MAX_STREAMS : CMDQV_SIDS_PER_VINTF;
    const count = Math.min(Math.floor(2 ** sidBits / this.size) - 1, MAX_VIOMMUS);
    const exhausted = `an SMMU with StreamIDs of ${sidBits} bits has them for at most ${Math.max(count, 0)} vIOMMUs`;
    this.#blocks = new IdAllocator(1, 1 + count, 'no-context', exhausted);
  }

  /**
   * A block with room for so many streams. Returns its first StreamID.
   * @throws {HostError} when it has not so many, or every block is taken.
   */
  allocate(streams: number): number {
    if (streams > this.size)
      throw new HostError(
        'no-stream',
        `a vIOMMU has at most ${this.size} StreamIDs behind this SMMU, not ${streams}`,
      );
    return this.size * this.#blocks.allocate();
  }

  /** Gives the block back that begins with this StreamID. */
  free(first: number): void {
    this.#blocks.free(first / this.size);
  }
}
