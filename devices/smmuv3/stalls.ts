// SPDX-License-Identifier: MIT
// Termination of a physical SMMU's stalled transactions by its device model.

import { SMMU_AT_STALLED } from '../../assembly/layout/smmu-memory.ts';
import {
  MAX_STALLS,
  SMMU_AT_STALLS,
  STALL_ABANDONED,
  STALL_ABORT,
  STALL_FREE,
  STALL_SIZE,
  STALL_STATE_SHIFT,
  STALL_WAITING,
} from '../../assembly/layout/stall-memory.ts';
import { smmuBase } from '../unit/index.ts';

const STATE = 0xfn << BigInt(STALL_STATE_SHIFT);

function withState(word: bigint, state: number): bigint {
  return (word & ~STATE) | (BigInt(state) << BigInt(STALL_STATE_SHIFT));
}

/**
 * Ends every stalled transaction with an abort: CR0.SMMUEN was cleared, or the SMMU was
 * reset. Their endpoints collect the results.
 */
export function terminateStalls(hostMemory: WebAssembly.Memory, smmuIndex: number): void {
  const smmu = smmuBase(smmuIndex);
  const words = new Int32Array(hostMemory.buffer);
  const longs = new BigUint64Array(hostMemory.buffer);
  if (Atomics.load(words, (smmu + SMMU_AT_STALLED) >> 2) === 0) return;
  for (let entry = 0; entry < MAX_STALLS; entry++) {
    const index = (smmu + SMMU_AT_STALLS + entry * STALL_SIZE) >> 3;
    const word = Atomics.load(longs, index);
    if (word === withState(word, STALL_WAITING))
      Atomics.compareExchange(longs, index, word, withState(word, STALL_ABORT));
    if (word !== withState(word, STALL_ABANDONED)) continue;
    const freed = Atomics.compareExchange(longs, index, word, withState(word, STALL_FREE)) === word;
    if (freed) Atomics.sub(words, (smmu + SMMU_AT_STALLED) >> 2, 1);
  }
}
