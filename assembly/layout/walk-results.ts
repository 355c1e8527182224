// SPDX-License-Identifier: MIT
// Results of a walk with its permission checks, and of the descriptor update that
// follows.

/** THREAD_EVENT has the fault. */
export const WALK_FAULT = 0;
export const WALK_DONE = 1;
/** A descriptor has changed between its load and its update: walk again. */
export const WALK_AGAIN = 2;
