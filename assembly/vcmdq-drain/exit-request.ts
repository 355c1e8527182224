// SPDX-License-Identifier: MIT
// Requests an exit from a guest that polls memory only, when a queue needs the host.

import { store32 } from '../imports/port';
import { EXIT_COUNT, EXIT_OFFSET, EXIT_STRIDE, EXIT_VALUE } from '../imports/unit';

/**
 * Asks the vCPUs of this unit's guest for an exit soon, at which the host can act. Writes
 * nothing for the host's own unit, and for a guest that has no exit request words.
 */
export function requestExit(): void {
  for (let i: u32 = 0; i < u32(EXIT_COUNT); i++)
    store32(u32(EXIT_OFFSET) + i * u32(EXIT_STRIDE), u32(EXIT_VALUE));
}
