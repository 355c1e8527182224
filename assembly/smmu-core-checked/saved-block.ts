// SPDX-License-Identifier: MIT
// Where a thread block is put aside while the walkers work in it.

import { THREAD } from '../imports/unit';
import { CHECK_AT_THREADS, CHECK_THREAD_SIZE, SMMU_AT_CHECK } from '../layout/check-memory';
import { HOST_THREADS, THREAD_STRIDE } from '../layout/host-memory';

/** The in-flight word in front of a thread block stays where it is; the walkers may change the rest. */
export const KEPT: usize = 8;
export const WORKED: usize = <usize>THREAD_STRIDE - KEPT;

/** This thread's place (CHECK_AT_THREADS). */
export function savedBlock(smmu: usize): usize {
  const index = (THREAD - HOST_THREADS) / THREAD_STRIDE;
  return smmu + SMMU_AT_CHECK + CHECK_AT_THREADS + index * CHECK_THREAD_SIZE;
}
