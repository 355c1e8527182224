// SPDX-License-Identifier: MIT
// Physical memory as a unit reaches it: PA = (window << 32) | address. Window 0 is host
// RAM, or the memory of the guest that uses the SMMU itself; the unit's own window is the
// memory of its guest, through the guest port. Any other PA is an external abort.

import { cas64, load64, resolve, store32, store64 } from '../imports/port';
import { PA_WINDOW, RAM_BASE, RAM_SIZE } from '../imports/unit';
import { NO_OFFSET } from '../layout/guest-port-results';

/** Result of `locate` for a PA that the unit does not reach. */
export const NOWHERE: i64 = -1;

/**
 * Location of `length` bytes at a PA: (1 for guest memory, 0 for host memory) << 32 |
 * byte offset; NOWHERE on an external abort.
 */
export function locate(pa: u64, length: u32): i64 {
  const window = u32(pa >> 32);
  const address = u32(pa);
  if (window == 0 && address < u32(RAM_SIZE) && length <= u32(RAM_SIZE) - address)
    return i64(u64(u32(RAM_BASE) + address));
  if (window != u32(PA_WINDOW)) return NOWHERE;
  const offset = resolve(u64(address), length);
  return offset == u32(NO_OFFSET) ? NOWHERE : ((<i64>1) << 32) | i64(u64(offset));
}

/** Reads an aligned 64-bit word once, at a location that `locate` returned. */
export function loadAt(place: i64): u64 {
  return place >> 32 == 0 ? atomic.load<u64>(u32(place)) : load64(u32(place));
}

/**
 * Converts a descriptor between memory order and the order of the processor: the bytes of
 * a big-endian table are reversed.
 */
export function inOrder(descriptor: u64, big: bool): u64 {
  return big ? bswap<u64>(descriptor) : descriptor;
}

export function storeAt(place: i64, value: u64): void {
  if (place >> 32 == 0) atomic.store<u64>(u32(place), value);
  else store64(u32(place), value);
}

/** Stores an aligned 32-bit word: an MSI. */
export function store32At(place: i64, value: u32): void {
  if (place >> 32 == 0) atomic.store<u32>(u32(place), value);
  else store32(u32(place), value);
}

/** Replaces a 64-bit word atomically if it is `old`. False when it is not. */
export function casAt(place: i64, old: u64, value: u64): bool {
  return (
    (place >> 32 == 0
      ? atomic.cmpxchg<u64>(u32(place), old, value)
      : cas64(u32(place), old, value)) == old
  );
}

/**
 * Copies `words` 64-bit words from a location to the unit's scratch, reading each once.
 */
export function copyFrom(place: i64, scratch: usize, words: i32): void {
  for (let i = 0; i < words; i++) store<u64>(scratch + (i << 3), loadAt(place + (i << 3)));
}
