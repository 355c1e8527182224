// SPDX-License-Identifier: MIT
// Where a thread block is saved while the walkers use it.

import { THREAD } from '../imports/unit';
import { CHECK_AT_THREADS, CHECK_THREAD_SIZE, SMMU_AT_CHECK } from '../layout/check-memory';
import { HOST_THREADS, THREAD_STRIDE } from '../layout/host-memory';

/**
 * The first word of a thread block, which marks the access in flight, is not saved; the
 * walkers may change the rest.
 */
export const KEPT: usize = 8;
export const WORKED: usize = <usize>THREAD_STRIDE - KEPT;

/** This thread's saved block (CHECK_AT_THREADS). */
export function savedBlock(smmu: usize): usize {
  const index = (THREAD - HOST_THREADS) / THREAD_STRIDE;
  return smmu + SMMU_AT_CHECK + CHECK_AT_THREADS + index * CHECK_THREAD_SIZE;
}
