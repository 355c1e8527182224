// SPDX-License-Identifier: MIT
// Selects which of the board's SMMUs the driver uses. The state of each SMMU, of its
// queues and of its CMDQV is stored separately in guest memory.

import { ABI_MAX_SMMUS } from '../../assembly/layout/guest-abi';

/** One word: number of the selected SMMU. */
const SELECTED: usize = memory.data(4, 4);

/** Number of the SMMU that the driver uses, from 0; initially 0. */
export function selectedSmmu(): u32 {
  return load<u32>(SELECTED);
}

/**
 * Makes the driver use another SMMU from now on, with its queues and its CMDQV. Domains
 * keep their tables; attach and invalidate them on each SMMU that has devices of theirs.
 * @param number as in the device table, below ABI_MAX_SMMUS; other numbers mean 0.
 */
export function selectSmmu(number: u32): void {
  store<u32>(SELECTED, number < <u32>ABI_MAX_SMMUS ? number : 0);
}
