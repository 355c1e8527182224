// SPDX-License-Identifier: MIT
// The SMMU that the driver works, of those that the board has. What the driver knows about an SMMU, its queues and its
// CMDQV lies in guest memory once for each.

import { ABI_MAX_SMMUS } from '../../assembly/layout/guest-abi';

/** One word: number of the selected SMMU. */
const SELECTED: usize = memory.data(4, 4);

/** Number of the SMMU that the driver works, from 0; at first 0. */
export function selectedSmmu(): u32 {
  return load<u32>(SELECTED);
}

/**
 * The driver works another SMMU from here on, with its queues and its CMDQV: domains keep their tables, and are attached
 * and invalidated on each SMMU that their devices are behind.
 * @param number as in the device table, below ABI_MAX_SMMUS; another one is taken as 0.
 */
export function selectSmmu(number: u32): void {
  store<u32>(SELECTED, number < <u32>ABI_MAX_SMMUS ? number : 0);
}
