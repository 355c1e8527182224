// SPDX-License-Identifier: MIT
// What a walk with its permission checks, and the update of a descriptor behind it, come
// to.

/** The fault stands in THREAD_EVENT. */
export const WALK_FAULT = 0;
export const WALK_DONE = 1;
/** A descriptor has changed between its load and its update: walk again. */
export const WALK_AGAIN = 2;
