// SPDX-License-Identifier: MIT
// Interrupts of devices wake the machine that they reach.

import type { InterruptSink, MsiSink } from '../../devices/bus/index.ts';

/**
 * The sinks of a machine, which call `wake` beside what they do: whoever waits until an idle machine
 * has something to do goes on.
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
