// SPDX-License-Identifier: MIT
// The current value of a translation table descriptor.

import { EVT_CLASS_TT } from '../layout/events';
import { inOrder, loadAt, locate, NOWHERE } from '../smmu-core/physical-memory';
import { NO_PA, tablePa } from '../smmu-core/walk-stage2';

/**
 * Reads a descriptor from memory; destroys THREAD_EVENT and the set of table addresses.
 * @param slot its address, before stage 2 when nested.
 * @param big the tables are big-endian.
 * @returns the descriptor; 0, which is an invalid one, when it cannot be read.
 */
export function descriptorAt(smmu: usize, slot: u64, nested: bool, big: bool): u64 {
  const pa = nested ? tablePa(smmu, slot, EVT_CLASS_TT, false) : slot;
  const place = pa == NO_PA ? NOWHERE : locate(pa, 8);
  return place == NOWHERE ? 0 : inOrder(loadAt(place), big);
}
