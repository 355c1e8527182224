// SPDX-License-Identifier: MIT
// Table walks: the host's (48882 section 2.2.3, "version 1"), and a guest's on top of it
// (section 2.2.6, AMD64 long mode).

import { THREAD } from '../imports/unit';
import { AMD_DTE_MODE } from '../layout/amd-formats';
import { THREAD_WALK_STAGE1 } from '../layout/thread-memory';
import { fieldAt } from '../lib/fields';
import { loadAt, locate, NOWHERE } from '../smmu-core/physical-memory';
import { dteCopy, gcr3Table, hostRoot } from './amd-device-table';

// Results of a walk: the permissions of a translation that is present, or the reason why
// it ended.
export const READ: u32 = 1;
export const WRITE: u32 = 2;
export const PRESENT: u32 = 4;
/** The host has no mapping, at `faultAddress`. */
export const HOST_FAULT: u32 = 8;
/** The guest has no mapping. */
export const GUEST_FAULT: u32 = 16;
/** The guest's tables do not permit the access. */
export const GUEST_DENIED: u32 = 32;
/** A table is not in memory, at `faultAddress`. */
export const UNREACHABLE: u32 = 64;

// Scratch, from THREAD_WALK_STAGE1 on: u64 PA, u64 fault address, u64 entry read last,
// u32 log2 size, u32 log2 size of the guest's leaf.
const WALK_PA: usize = THREAD_WALK_STAGE1;
const WALK_FAULT: usize = THREAD_WALK_STAGE1 + 8;
const WALK_ENTRY: usize = THREAD_WALK_STAGE1 + 16;
const WALK_SIZE: usize = THREAD_WALK_STAGE1 + 24;
const WALK_LEAF: usize = THREAD_WALK_STAGE1 + 28;

const ADDRESS: u64 = 0x000ffffffffff000;
/** Next level 7: the size is encoded in the address. */
const SIZE_IN_ADDRESS: u32 = 7;

export function walkedPa(): u64 {
  return load<u64>(THREAD, WALK_PA);
}
export function walkedSize(): u32 {
  return load<u32>(THREAD, WALK_SIZE);
}
/** log2 of the size of the leaf in the guest's tables. */
export function walkedLeaf(): u32 {
  return load<u32>(THREAD, WALK_LEAF);
}
export function faultAddress(): u64 {
  return load<u64>(THREAD, WALK_FAULT);
}

function ended(result: u32, address: u64): u32 {
  store<u64>(THREAD, address, WALK_FAULT);
  return result;
}

function leaf(address: u64, base: u64, size: u32, permissions: u32): u32 {
  const within = ((<u64>1) << u64(size)) - 1;
  store<u64>(THREAD, (base & ADDRESS & ~within) | (address & within), WALK_PA);
  store<u32>(THREAD, size, WALK_SIZE);
  return permissions | PRESENT;
}

/**
 * Translates with the host's table of `mode` levels; with 0 levels the address is
 * physical. Fills WALK_PA and WALK_SIZE, or WALK_FAULT.
 */
export function hostWalk(root: u64, mode: u32, address: u64): u32 {
  if (mode == 0) return leaf(address, address, 12, READ | WRITE);
  if (mode < 6 && address >> u64(12 + 9 * mode) != 0) return ended(HOST_FAULT, address);
  let permissions = READ | WRITE;
  let table = root;
  for (let level = mode; level != 0; ) {
    const shift = 3 + 9 * level;
    const place = locate(table + (((address >> u64(shift)) & 0x1ff) << 3), 8);
    if (place == NOWHERE) return ended(UNREACHABLE, table);
    const entry = loadAt(place);
    if ((entry & 1) == 0) return ended(HOST_FAULT, address);
    permissions &= u32(entry >> 61) & (READ | WRITE);
    const next = u32(entry >> 9) & 7;
    if (next == 0) return leaf(address, entry, shift, permissions);
    if (next == SIZE_IN_ADDRESS) {
      // The lowest 0 among the address bits from 12 on is the highest bit of the offset.
      // The size has to be larger than a page of this level, and smaller than one of the
      // next level.
      const size = 13 + u32(ctz(~((entry & ADDRESS) >> 12)));
      return size > shift && size < shift + 9
        ? leaf(address, entry, size, permissions)
        : ended(HOST_FAULT, address);
    }
    // Levels may be skipped where the address bits are zero.
    const left =
      (address >> u64(12 + 9 * next)) &
      (((<u64>1) << u64(9 * (level - 1 - min(next, level - 1)))) - 1);
    if (next >= level || left != 0) return ended(HOST_FAULT, address);
    level = next;
    table = entry & ADDRESS;
  }
  return ended(HOST_FAULT, address);
}

// Reads a word of a guest's structure, at a gpa, into WALK_ENTRY.
function loadGuest(root: u64, mode: u32, gpa: u64): u32 {
  const found = hostWalk(root, mode, gpa);
  if ((found & PRESENT) == 0) return found;
  if ((found & READ) == 0) return ended(HOST_FAULT, gpa);
  const place = locate(walkedPa(), 8);
  if (place == NOWHERE) return ended(UNREACHABLE, gpa);
  store<u64>(THREAD, loadAt(place), WALK_ENTRY);
  return found;
}

/**
 * Translates with the table of a PASID, of the guest whose entry is in THREAD_STE, and
 * then with the host's. Fills WALK_PA, WALK_SIZE and WALK_LEAF, or WALK_FAULT; destroys
 * WALK_ENTRY.
 * @param needed READ or WRITE. If the guest grants it and the result lacks it, the host
 *   denies it.
 */
export function nestedWalk(pasid: u32, address: u64, needed: u32): u32 {
  const root = hostRoot();
  const mode = fieldAt(dteCopy(), AMD_DTE_MODE);
  let found = loadGuest(root, mode, gcr3Table() + (u64(pasid) << 3));
  if ((found & PRESENT) == 0) return found;
  // The address has to be canonical: four levels translate 48 bits, and the others repeat
  // the highest of them.
  if (u64(i64(address << 16) >> 16) != address) return ended(GUEST_FAULT, address);
  // A root entry has no permissions of its own; its V is at the position of P in a
  // table's entry.
  let permissions = READ | WRITE;
  for (let shift: u32 = 39; ; shift -= 9) {
    let entry = load<u64>(THREAD, WALK_ENTRY);
    if ((entry & 1) == 0) return ended(GUEST_FAULT, address);
    found = loadGuest(root, mode, (entry & ADDRESS) + (((address >> u64(shift)) & 0x1ff) << 3));
    if ((found & PRESENT) == 0) return found;
    entry = load<u64>(THREAD, WALK_ENTRY);
    // P, and U/S: requests are those of a user.
    if ((entry & 5) != 5) return ended(GUEST_FAULT, address);
    if ((entry & 2) == 0) permissions &= ~WRITE;
    const large = (entry & 0x80) != 0;
    // PS is reserved in the highest level.
    if (large && shift == 39) return ended(GUEST_FAULT, address);
    if (!large && shift != 12) continue;
    if ((permissions & needed) == 0) return ended(GUEST_DENIED, address);
    const within = ((<u64>1) << u64(shift)) - 1;
    found = hostWalk(root, mode, (entry & ADDRESS & ~within) | (address & within));
    store<u32>(THREAD, shift, WALK_LEAF);
    if (walkedSize() > shift) store<u32>(THREAD, shift, WALK_SIZE);
    if ((found & PRESENT) == 0) return found;
    return (found & permissions) | PRESENT;
  }
}
