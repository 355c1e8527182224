// SPDX-License-Identifier: MIT
// Where a kernel's queues lie in host RAM.

import type { HostRam } from '../hardware/host-ram.ts';

/**
 * A base register has no address bits below these (IHI 0070 section 6.3.25 and the like): its
 * LOG2SIZE stands there.
 */
const LEAST_ALIGNMENT = 32;

/**
 * Zeroed host RAM for the ring of a queue with 2^log2size entries, at a multiple of its size
 * and of what a base register can say.
 * @throws {HostError} when there is none left.
 */
export function allocateRing(ram: HostRam, entrySize: number, log2size: number): number {
  const bytes = entrySize * 2 ** log2size;
  return ram.allocate(bytes, Math.max(bytes, LEAST_ALIGNMENT));
}
