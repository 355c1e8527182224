// SPDX-License-Identifier: MIT
// RAM, where the GIC and its ITS read the tables of software. Every address from software
// is checked here before it is used as an address of the memory.

import { GIC_AT_RAM, GIC_AT_RAM_GPA, GIC_AT_RAM_SIZE } from '../layout/gic-memory';

/** Bits [51:12] of an address. */
export const PAGE_ADDRESS: u64 = 0x000ffffffffff000;
/** The valid bit of an entry, a command or a base register. */
export const VALID: u64 = 0x8000000000000000;

/** Address of `size` bytes at a gpa; 0 unless all of them are RAM. */
export function ramAt(gic: usize, gpa: u64, size: u64): usize {
  const first: u64 = load<u32>(gic, GIC_AT_RAM_GPA);
  const bytes: u64 = load<u32>(gic, GIC_AT_RAM_SIZE);
  if (gpa < first || gpa - first > bytes || size > bytes - (gpa - first)) return 0;
  return load<u32>(gic, GIC_AT_RAM) + <u32>(gpa - first);
}
