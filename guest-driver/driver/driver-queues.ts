// SPDX-License-Identifier: MIT
// The queues of each SMMU, including ECMDQs, and of its VINTF 0, at fixed offsets of
// guest memory.

import { CMDQV_MAX_VCMDQS } from '../../assembly/layout/cmdqv-registers';
import { ABI_MAX_SMMUS } from '../../assembly/layout/guest-abi';
import { Queue } from './ring';
import { selectedSmmu } from './selected-smmu';

export { entryAt, freeEntries, indexOf, Queue, queueSize } from './ring';

/** Bytes from one queue to the next, at least the size of the class. */
const QUEUE_BYTES: i32 = 64;
const CMDQS: usize = memory.data(ABI_MAX_SMMUS * QUEUE_BYTES, 64);
const VCMDQS: usize = memory.data(ABI_MAX_SMMUS * CMDQV_MAX_VCMDQS * QUEUE_BYTES, 64);
/** Most ECMDQs that the driver uses: more than the maximum number of processors. */
export const MAX_ECMDQS: i32 = 16;
const ECMDQS: usize = memory.data(ABI_MAX_SMMUS * MAX_ECMDQS * QUEUE_BYTES, 64);

function queueAt(queues: usize, perSmmu: u32, index: u32): Queue {
  return changetype<Queue>(queues + <usize>(selectedSmmu() * perSmmu + index) * QUEUE_BYTES);
}

/** The selected SMMU's own command queue. */
export function cmdq(): Queue {
  return queueAt(CMDQS, 1, 0);
}

/** The VCMDQ in an LVCMDQ slot of VINTF 0. */
export function vcmdq(lvcmdq: u32): Queue {
  return queueAt(VCMDQS, CMDQV_MAX_VCMDQS, lvcmdq);
}

/** The ECMDQ at a place of the first control page. */
export function ecmdq(index: u32): Queue {
  return queueAt(ECMDQS, MAX_ECMDQS, index);
}

/** Clears the state of all queues of the selected SMMU. */
export function clearQueues(): void {
  memory.fill(changetype<usize>(cmdq()), 0, QUEUE_BYTES);
  memory.fill(changetype<usize>(vcmdq(0)), 0, CMDQV_MAX_VCMDQS * QUEUE_BYTES);
  memory.fill(changetype<usize>(ecmdq(0)), 0, MAX_ECMDQS * QUEUE_BYTES);
}
