// The queues of the one SMMU, ECMDQs included, and of VINTF 0, at fixed places in guest memory.

import { CMDQV_MAX_VCMDQS } from '../../assembly/layout/cmdqv-registers';
import { Queue } from './ring';

export { entryAt, freeEntries, indexOf, Queue, queueSize } from './ring';

const CMDQ: usize = memory.data(offsetof<Queue>(), 64);
/** Bytes from one queue to the next, no less than the class takes. */
const VCMDQ_BYTES: i32 = 64;
const VCMDQS: usize = memory.data(CMDQV_MAX_VCMDQS * VCMDQ_BYTES, 64);
/** ECMDQs that the driver uses at most: more than there can be processors. */
export const MAX_ECMDQS: u32 = 16;
const ECMDQS: usize = memory.data(1024, 64);

/** The SMMU's own command queue. */
export function cmdq(): Queue {
  return changetype<Queue>(CMDQ);
}

/** The VCMDQ in an LVCMDQ slot of VINTF 0. */
export function vcmdq(lvcmdq: u32): Queue {
  return changetype<Queue>(VCMDQS + <usize>lvcmdq * VCMDQ_BYTES);
}

/** The ECMDQ at a place of the first control page. */
export function ecmdq(index: u32): Queue {
  return changetype<Queue>(ECMDQS + <usize>index * VCMDQ_BYTES);
}

/** Forgets all queues. */
export function clearQueues(): void {
  memory.fill(CMDQ, 0, offsetof<Queue>());
  memory.fill(VCMDQS, 0, CMDQV_MAX_VCMDQS * VCMDQ_BYTES);
  memory.fill(ECMDQS, 0, MAX_ECMDQS * VCMDQ_BYTES);
}
