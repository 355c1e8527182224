// SPDX-License-Identifier: MIT
// Safe points: places where this vCPU has no address of a directly mapped page in use.

import {
  ABI_AT_EXIT_REQUEST,
  ABI_AT_MAP_ACK,
  ABI_AT_MAP_EPOCH,
} from '../../assembly/layout/guest-abi';

/**
 * Acknowledges the map epoch for a vCPU, so that the host may reclaim a range that it has
 * removed from the table.
 */
export function acknowledgeMapsOf(vcpu: u32): void {
  const epoch = atomic.load<u32>(0, ABI_AT_MAP_EPOCH);
  const seen: usize = vcpu << 2;
  // A store costs as much as ten loads, and the epoch rarely changes.
  if (load<u32>(seen, ABI_AT_MAP_ACK) != epoch) atomic.store<u32>(seen, epoch, ABI_AT_MAP_ACK);
}

/** Acknowledges the map epoch for vCPU 0. */
export function acknowledgeMaps(): void {
  acknowledgeMapsOf(0);
}

/** True when the host requests an exit: a poll loop then calls `wait`. */
export function exitRequested(): bool {
  return load<u32>(0, ABI_AT_EXIT_REQUEST) != 0;
}
