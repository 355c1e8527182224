// SPDX-License-Identifier: MIT
// Results of the drain's exports that are neither a count nor a QUEUE_STATE
// (assembly/load.ts), and the bounds of its counts.

/**
 * Result of `watch` in place of a number of commands: there was work, but it consumed no
 * command.
 */
export const WATCH_NO_COMMAND = 0xffffffff;

// `publishError`, `stepOver`, `resume`.
/** Another thread owns the queue: nothing has been done. */
export const QUEUE_BUSY = 0;
export const QUEUE_ACQUIRED = 1;

/**
 * Work of one round of a queue, which bounds the time that the queue can make its
 * neighbours wait. Each command counts 1, and so do every BLOCKS_PER_COMMAND IOTLB blocks
 * that it visits. The command that reaches the bound is the last of the round.
 */
export const ROUND_WORK = 256;
/** Rounds of one service of a queue. */
export const SERVICE_ROUNDS = 4;
/** Maximum number of commands of one service of a queue. */
export const SERVICE_COMMANDS = SERVICE_ROUNDS * ROUND_WORK;
