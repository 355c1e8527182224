// SPDX-License-Identifier: MIT
// Guest RAM of a vCPU: one range of physical addresses.

import { ARM64_RAM, ARM64_RAM_GPA, ARM64_RAM_SIZE } from '../layout/arm64-state';

/** Host address of `length` bytes at a physical address, 0 unless all of them are RAM. */
export function hostOf(cpu: usize, pa: u64, length: u32): usize {
  const offset = pa - load<u64>(cpu, ARM64_RAM_GPA);
  const size = u64(load<u32>(cpu, ARM64_RAM_SIZE));
  if (offset >= size || size - offset < u64(length)) return 0;
  return load<usize>(cpu, ARM64_RAM) + usize(offset);
}

/** Number of the 4 KiB page of RAM that contains a physical address. */
export function pageNumber(cpu: usize, pa: u64): u32 {
  return u32((pa - load<u64>(cpu, ARM64_RAM_GPA)) >> 12);
}
