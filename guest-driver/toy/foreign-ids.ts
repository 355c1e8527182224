// SPDX-License-Identifier: MIT
// Identifiers of other machines: what an attacker would write where the host's own
// numbers are expected.

import { toy } from './toy-state';

/** VMIDs that the attacks try: a host allocates them from 1. */
export const VMIDS: u32 = 32;
/**
 * StreamIDs that the attacks try: all of the lowest, then the first ones of each block in
 * which hosts number their machines' devices.
 */
const LOW_SIDS: u32 = 0x41;
const BLOCKS: u32 = 8;
const BLOCK_SIZE: u32 = 0x100;
const SIDS_PER_BLOCK: u32 = 16;
export const SIDS: u32 = LOW_SIDS + BLOCKS * SIDS_PER_BLOCK;

/** The StreamID with this index, from 0 to SIDS - 1. One of them belongs to the guest. */
export function foreignSid(index: u32): u32 {
  if (index < LOW_SIDS) return index;
  const number = index - LOW_SIDS;
  return BLOCK_SIZE * (1 + number / SIDS_PER_BLOCK) + (number % SIDS_PER_BLOCK);
}

/** True for the StreamID that the guest may name. */
export function isOwnSid(sid: u32): bool {
  return sid == toy().sid;
}
