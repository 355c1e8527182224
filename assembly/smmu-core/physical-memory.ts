// SPDX-License-Identifier: MIT
// Physical memory as a unit reaches it: PA = (window << 32) | address. Window 0 is host
// RAM, or the memory of the guest that works the SMMU itself; the unit's own window is its
// guest's memory, through the guest port. Any other PA is an external abort.

import { cas64, load64, resolve, store32, store64 } from '../imports/port';
import { PA_WINDOW, RAM_BASE, RAM_SIZE } from '../imports/unit';
import { NO_OFFSET } from '../layout/guest-port-results';

/** What `locate` returns for a PA that the unit does not reach. */
export const NOWHERE: i64 = -1;

/** Where `length` bytes at a PA lie: (1 if guest memory else 0) << 32 | byte offset; NOWHERE on an external abort. */
export function locate(pa: u64, length: u32): i64 {
  const window = u32(pa >> 32);
  const address = u32(pa);
  if (window == 0 && address < u32(RAM_SIZE) && length <= u32(RAM_SIZE) - address)
    return i64(u64(u32(RAM_BASE) + address));
  if (window != u32(PA_WINDOW)) return NOWHERE;
  const offset = resolve(u64(address), length);
  return offset == u32(NO_OFFSET) ? NOWHERE : ((<i64>1) << 32) | i64(u64(offset));
}

/** One aligned 64-bit word at a place that `locate` returned, read once. */
export function loadAt(place: i64): u64 {
  return place >> 32 == 0 ? atomic.load<u64>(u32(place)) : load64(u32(place));
}

/** A descriptor as it lies in memory, or is to lie there: of a big-endian table the bytes are the other way round. */
export function inOrder(descriptor: u64, big: bool): u64 {
  return big ? bswap<u64>(descriptor) : descriptor;
}

export function storeAt(place: i64, value: u64): void {
  if (place >> 32 == 0) atomic.store<u64>(u32(place), value);
  else store64(u32(place), value);
}

/** One aligned 32-bit word: an MSI. */
export function store32At(place: i64, value: u32): void {
  if (place >> 32 == 0) atomic.store<u32>(u32(place), value);
  else store32(u32(place), value);
}

/** Replaces a 64-bit word that is `old`, in one piece. False when it is something else. */
export function casAt(place: i64, old: u64, value: u64): bool {
  return (
    (place >> 32 == 0
      ? atomic.cmpxchg<u64>(u32(place), old, value)
      : cas64(u32(place), old, value)) == old
  );
}

/** Copies `words` 64-bit words from a place to the unit's scratch, each read once. */
export function copyFrom(place: i64, scratch: usize, words: i32): void {
  for (let i = 0; i < words; i++) store<u64>(scratch + (i << 3), loadAt(place + (i << 3)));
}
