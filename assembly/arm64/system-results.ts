// SPDX-License-Identifier: MIT
// Results and helpers that the parts of system instructions share.

import { takeException } from './exception';

/**
 * Results of a system instruction in addition to ARM64_EXIT_*. NEXT: continue with the
 * next record; AGAIN: continue at the PC in the block.
 */
export const NEXT: i32 = -1;
export const AGAIN: i32 = -2;

/** Takes an exception whose return address is the instruction itself. */
export function exception(cpu: usize, ec: u32, iss: u32): i32 {
  takeException(cpu, ec, iss);
  return AGAIN;
}

/** ISS of a trapped MSR, MRS or SYS. */
export function systemSyndrome(word: u32): u32 {
  const op0 = (word >> 19) & 3;
  const op1 = (word >> 16) & 7;
  const crn = (word >> 12) & 15;
  const crm = (word >> 8) & 15;
  const op2 = (word >> 5) & 7;
  const read = (word >> 21) & 1;
  return (
    (op0 << 20) | (op2 << 17) | (op1 << 14) | (crn << 10) | ((word & 31) << 5) | (crm << 1) | read
  );
}
