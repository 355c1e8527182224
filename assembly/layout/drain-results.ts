// SPDX-License-Identifier: MIT
// Results of the drain's exports that are neither a count nor a QUEUE_STATE
// (assembly/load.ts).

/**
 * Result of `watch` in place of a number of commands: there was work, but it consumed no
 * command.
 */
export const WATCH_NO_COMMAND = 0xffffffff;

// `publishError`, `stepOver`, `resume`.
/** Another thread owns the queue: nothing has been done. */
export const QUEUE_BUSY = 0;
export const QUEUE_ACQUIRED = 1;
