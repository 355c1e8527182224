// SPDX-License-Identifier: MIT
// The system registers that the interpreter's loop reads and writes by itself: storage
// without a trap.

import { describeRegister, KIND_STORAGE, REGISTER_SP_EL0, registerBits } from './system-registers';

/** Only reads are fast: a write changes only some bits, or is not permitted. */
export const FAST_READ_ONLY: u32 = 1 << 16;
/** SP_EL0, which has its own handlers. */
export const FAST_SP_EL0: u32 = 1 << 17;

const EL1_READS: u32 = 1 << 20;
const EL1_WRITES: u32 = 1 << 21;
const EL0_READS: u32 = 1 << 22;
const EL0_WRITES: u32 = 1 << 23;
const EL0_TRAP: u32 = 15 << 24;

/**
 * Offset in the vCPU block of the register of an MRS or MSR, with FAST_*; 0 when it is
 * not fast.
 */
export function fastRegister(word: u32): u32 {
  const encoding = (word >> 5) & 0xffff;
  if (encoding == REGISTER_SP_EL0) return FAST_SP_EL0;
  const what = describeRegister(encoding);
  if (((what >> 16) & 15) != KIND_STORAGE || (what & EL1_READS) == 0) return 0;
  const ofEl0 = ((encoding >> 11) & 7) == 3;
  if (ofEl0 && ((what & EL0_READS) == 0 || (what & EL0_TRAP) != 0)) return 0;
  const writes = ofEl0 ? EL0_WRITES : EL1_WRITES;
  const readOnly = (what & writes) == 0 || registerBits(encoding) != u64(-1);
  return (what & 0xffff) | (readOnly ? FAST_READ_ONLY : 0);
}
