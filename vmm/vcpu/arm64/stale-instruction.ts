// SPDX-License-Identifier: MIT
// Results of the instruction cache check (docs/sanitizer.md).

import { ARM64_STALE_NO_ISB } from '../../../assembly/layout/arm64-records.ts';
import {
  ARM64_STALE_FETCH,
  ARM64_STALE_STORE,
  ARM64_STALE_WHY,
} from '../../../assembly/layout/arm64-state.ts';
import type { Arm64Block } from './arm64-block.ts';

/**
 * An instruction that was executed after a store to it without the required maintenance.
 */
export interface StaleInstruction {
  /** Virtual address of the instruction that stored. */
  readonly storePc: bigint;
  /** Virtual address of the instruction that was executed. */
  readonly fetchPc: bigint;
  /** What was missing in between: IC, or a context synchronization event after it. */
  readonly missing: 'IC' | 'ISB';
  /** All of it in one line. */
  readonly text: string;
}

/** Maximum number of pairs that are reported. */
const MOST = 256;

/** Reports each pair of a store and an instruction once. */
export class StaleInstructions {
  readonly #report: (found: StaleInstruction) => void;
  readonly #reported = new Set<string>();

  constructor(tell: (found: StaleInstruction) => void) {
    this.#report = tell;
  }

  /** A vCPU has left its run with ARM64_EXIT_STALE. */
  found(block: Arm64Block): void {
    const storePc = block.long(ARM64_STALE_STORE);
    const fetchPc = block.long(ARM64_STALE_FETCH);
    const missing = block.word(ARM64_STALE_WHY) === ARM64_STALE_NO_ISB ? 'ISB' : 'IC';
    const hex = (address: bigint) => `0x${address.toString(16)}`;
    const without =
      missing === 'IC' ? 'without IC and ISB' : 'with IC, but without ISB or exception after it';
    const text = `the instruction at ${hex(fetchPc)} is executed after a store to it at ${hex(storePc)} ${without}`;
    if (this.#reported.has(text) || this.#reported.size >= MOST) return;
    this.#reported.add(text);
    this.#report({ storePc, fetchPc, missing, text });
  }
}
