// SPDX-License-Identifier: MIT

import type { InterruptLine } from '../plugin/index.ts';

/** Where the interrupt lines of a board end: words of a guest ABI, a GIC, the PIC of an emulated PC. */
export interface InterruptSink {
  /** @throws {RangeError} when the board has no line of this number. */
  line(index: number): InterruptLine;
}
