// SPDX-License-Identifier: MIT
// Asking a guest for an exit: where a queue needs its host, and its guest looks at memory only.

import { store32 } from '../imports/port';
import { EXIT_COUNT, EXIT_OFFSET, EXIT_STRIDE, EXIT_VALUE } from '../imports/unit';

/**
 * Asks the vCPUs of this unit's guest for an exit soon, at which the host can act. A guest
 * that looks at no such words has none, nor has the host's own unit.
 */
export function requestExit(): void {
  for (let i: u32 = 0; i < u32(EXIT_COUNT); i++)
    store32(u32(EXIT_OFFSET) + i * u32(EXIT_STRIDE), u32(EXIT_VALUE));
}
