// Stack headroom. The drain also runs on a guest's own stack, behind its doorbell store. A guest that has used its stack up must overflow
// before the drain owns a queue, not in the middle of it.

import { PROBE_DEPTH, THREAD } from '../imports/unit';
import { THREAD_STACK_DEPTH } from '../layout/host-memory';

// The store behind each call keeps the frames; a depth that the optimiser knew would be unrolled.
function descend(depth: i32): void {
  if (depth > 0) descend(depth - 1);
  store<i32>(THREAD, depth, THREAD_STACK_DEPTH);
}

/** Overflows here, or proves that the drain's own calls will not. */
export function probeStack(): void {
  descend(PROBE_DEPTH);
}
