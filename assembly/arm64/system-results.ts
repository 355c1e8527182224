// SPDX-License-Identifier: MIT
// What the parts of system instructions have in common.

import { takeException } from './exception';

/**
 * Results of a system instruction besides ARM64_EXIT_*: the next record; what the PC in
 * the block says.
 */
export const NEXT: i32 = -1;
export const AGAIN: i32 = -2;

/** The instruction takes an exception, whose return address is its own. */
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
