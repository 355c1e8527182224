// SPDX-License-Identifier: MIT
// Input of a PL011, for random accesses.

import { Pl011 } from '../../devices/pl011/index.ts';
import type { Stimulus } from '../../devices/testing/index.ts';

/** Up to eleven bytes arrive. */
export const uartStep: Stimulus = ({ device }, random) => {
  if (device instanceof Pl011)
    device.receive(Uint8Array.from({ length: random.below(12) }, () => random.word()));
};
