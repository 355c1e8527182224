// SPDX-License-Identifier: MIT
// The cost of a command, so that a service of a queue is bounded in work and not only in
// commands: a TLBI of a wide range visits a thousand times as many IOTLB blocks as one of
// an address.

/**
 * The number of IOTLB blocks that take as long to visit as one whole command of a single
 * address.
 */
export const BLOCKS_PER_COMMAND: u32 = 4;

// A function that executes a command returns its result in bits 0 to 15, and the number
// of blocks visited above.
const VISITED_SHIFT: u32 = 16;

/** Packs the result of a command with the number of blocks it visited. */
export function withVisited(result: u32, visited: u32): u32 {
  return result | (visited << VISITED_SHIFT);
}

/** The result part. */
export function resultOf(returned: u32): u32 {
  return returned & ((1 << VISITED_SHIFT) - 1);
}

/** The number of blocks visited beyond the few of every command. */
export function visitedBy(returned: u32): u32 {
  return returned >> VISITED_SHIFT;
}
