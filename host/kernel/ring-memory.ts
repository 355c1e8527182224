// SPDX-License-Identifier: MIT
// Allocation of a kernel's queues in host RAM.

import type { HostRam } from '../hardware/host-ram.ts';

/**
 * A base register has no address bits below this alignment (IHI 0070 section 6.3.25 and
 * the like): LOG2SIZE occupies them.
 */
const LEAST_ALIGNMENT = 32;

/**
 * Allocates zeroed host RAM for the ring of a queue with 2^log2size entries, aligned to
 * its size and to what a base register can express.
 * @throws {HostError} when none is left.
 */
export function allocateRing(ram: HostRam, entrySize: number, log2size: number): number {
  const bytes = entrySize * 2 ** log2size;
  return ram.allocate(bytes, Math.max(bytes, LEAST_ALIGNMENT));
}
