// SPDX-License-Identifier: MIT
// Counters in the unit's own thread block, which no other thread writes.

import { THREAD } from '../imports/unit';

/** Adds one to a THREAD_* counter. */
export function count(offset: usize): void {
  store<i64>(THREAD + offset, load<i64>(THREAD + offset) + 1);
}
