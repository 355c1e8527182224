// SPDX-License-Identifier: MIT
// Interrupts of the physical devices. The latch records an assertion when it happens, and
// the host's kernel handles it at the next safe point: a handler accesses registers of
// the device that raised the line, so it never runs inside an access to that device.

import type { InterruptLine } from '../../devices/plugin/index.ts';

export class InterruptLatch {
  readonly #pending = new Set<number>();

  line(index: number): InterruptLine {
    return {
      pulse: () => {
        this.#pending.add(index);
      },
      setLevel: (asserted) => {
        if (asserted) this.#pending.add(index);
      },
    };
  }

  /**
   * Clears the line's latch. True when it was set: the line was raised since the last
   * call.
   */
  take(index: number): boolean {
    return this.#pending.delete(index);
  }
}
