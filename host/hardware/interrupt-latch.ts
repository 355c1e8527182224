// SPDX-License-Identifier: MIT
// Interrupts of the physical devices, as the host's kernel takes them: latched when they
// come, handled at the next safe point. A handler works the registers of the very device
// that raised the line, so it never runs inside an access to it.

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

  /** True once for each time that a line was raised. */
  take(index: number): boolean {
    return this.#pending.delete(index);
  }
}
