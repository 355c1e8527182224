// SPDX-License-Identifier: MIT

import type { InterruptLine } from '../plugin/index.ts';

/**
 * Interrupt inputs of a board: words of a guest ABI, a GIC, or the PIC of an emulated PC.
 */
export interface InterruptSink {
  /** @throws {RangeError} when the board has no line with this number. */
  line(index: number): InterruptLine;
}
