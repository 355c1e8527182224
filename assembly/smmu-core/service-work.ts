// SPDX-License-Identifier: MIT
// What a command's work counts as, so that a service of a queue is bounded in work and
// not only in commands: a TLBI of a wide range visits a thousand times as many blocks of
// the IOTLB as one of an address.

/**
 * Blocks of the IOTLB that take as long to visit as a command of a single address takes in
 * all.
 */
export const BLOCKS_PER_COMMAND: u32 = 4;

// What carries a command out returns its result in bits 0 to 15 and the blocks it has visited above.
const VISITED_SHIFT: u32 = 16;

/** The result of a command that has visited so many blocks. */
export function withVisited(result: u32, visited: u32): u32 {
  return result | (visited << VISITED_SHIFT);
}

/** The result alone. */
export function resultOf(returned: u32): u32 {
  return returned & ((1 << VISITED_SHIFT) - 1);
}

/** The blocks visited beyond the few that every command visits. */
export function visitedBy(returned: u32): u32 {
  return returned >> VISITED_SHIFT;
}
