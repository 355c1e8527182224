// SPDX-License-Identifier: MIT
// Pending interrupt lines, read from the info page without an exit.

import { ABI_AT_IRQ_EDGE, ABI_AT_IRQ_LEVEL, ABI_IRQ_LINES } from '../../assembly/layout/guest-abi';

/** True when any line is pending: four loads, for use in poll loops. */
export function anyPending(): bool {
  const edge = atomic.load<u64>(0, ABI_AT_IRQ_EDGE) | atomic.load<u64>(8, ABI_AT_IRQ_EDGE);
  const level = atomic.load<u64>(0, ABI_AT_IRQ_LEVEL) | atomic.load<u64>(8, ABI_AT_IRQ_LEVEL);
  return (edge | level) != 0;
}

/**
 * Acknowledges a pending line: clears its edge bit. A level stays asserted until its
 * device has been handled.
 * @returns true when the line was pending. Lines beyond the last (ABI_NO_IRQ) never are
 *   pending.
 */
export function takeInterrupt(line: u32): bool {
  if (line >= <u32>ABI_IRQ_LINES) return false;
  const word: usize = (line >> 5) << 2;
  const bit: u32 = 1 << (line & 31);
  // Cleared before the handler reads the device: a later event sets the bit again.
  const edge = atomic.and<u32>(word, ~bit, ABI_AT_IRQ_EDGE) & bit;
  return edge != 0 || (atomic.load<u32>(word, ABI_AT_IRQ_LEVEL) & bit) != 0;
}
