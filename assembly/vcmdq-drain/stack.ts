// Stack headroom. The drain also runs on a guest's own stack, behind its doorbell store. A guest that has used its stack up must overflow
// before the drain owns a queue, not in the middle of it.

import { THREAD_IN_FLIGHT } from '../layout/host-memory';
import { THREAD } from '../imports/unit';

/** Frames of the probe; together they need more stack than the deepest call chain of the drain. */
const DEPTH = 24;

// The atomic load is there so that the optimiser keeps the recursion.
function descend(depth: i32): i64 {
  return depth == 0 ? atomic.load<i64>(THREAD, THREAD_IN_FLIGHT) : descend(depth - 1) + 1;
}

/** Overflows here, or proves that the drain's own calls will not. */
export function probeStack(): void {
  descend(DEPTH);
}
