// SPDX-License-Identifier: MIT
// Interrupts of devices wake the machine that they interrupt.

import type { InterruptSink, MsiSink } from '../../devices/bus/index.ts';

/**
 * Wraps the sinks of a machine to also call `wake`, which ends the wait of an idle
 * machine.
 */
export function wakingSinks(
  msis: MsiSink,
  interrupts: InterruptSink,
  wake: () => void,
): { readonly msis: MsiSink; readonly interrupts: InterruptSink } {
  return {
    msis: {
      send(requesterId, address, data) {
        wake();
        return msis.send(requesterId, address, data);
      },
    },
    interrupts: {
      line(index) {
        const line = interrupts.line(index);
        return {
          pulse() {
            wake();
            line.pulse();
          },
          setLevel(asserted) {
            if (asserted) wake();
            line.setLevel(asserted);
          },
        };
      },
    },
  };
}
