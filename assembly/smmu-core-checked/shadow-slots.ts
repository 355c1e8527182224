// SPDX-License-Identifier: MIT
// Where the entries of the shadow are stored: in sets by VMID, size and address, so that
// a command with an address visits one set per size; and bit maps by VMID and ASID for
// commands without an address.

import { THREAD } from '../imports/unit';
import { CFG_VMID } from '../layout/config-cache-memory';
import {
  TLB_ALL_GEN,
  TLB_ASID_PERM,
  TLB_GEN,
  TLB_LEAF,
  TLB_META,
  TLB_META_GLOBAL,
  TLB_META_S2,
  TLB_META_SIZE,
  TLB_META_VMID,
  TLB_PA,
  TLB_PAGE,
} from '../layout/iotlb-memory';
import {
  SHADOW_AT_BUCKETS,
  SHADOW_AT_ENTRIES,
  SHADOW_AT_SIZES,
  SHADOW_AT_VICTIM,
  SHADOW_BUCKET,
  SHADOW_BUCKET_SIZE,
  SHADOW_BUCKETS,
  SHADOW_DESCRIPTOR,
  SHADOW_ENTRIES,
  SHADOW_ENTRY_SIZE,
  SHADOW_GRANULE,
  SHADOW_IS_TABLE,
  SHADOW_LEVEL,
  SHADOW_LOCK,
  SHADOW_REPORTED,
  SHADOW_SETS,
  SHADOW_SLOT,
  SHADOW_WAYS,
  SMMU_AT_SHADOW,
} from '../layout/shadow-memory';
import { SMMU_AT_ALL_GEN } from '../layout/smmu-memory';
import { THREAD_CFG } from '../layout/thread-memory';
import { VMID_ANY_GEN } from '../layout/vmid-memory';
import { bits, maskOf } from '../lib/fields';
import { vmidBlock } from '../smmu-core/generations';
import { alive, tlbHash } from '../smmu-core/iotlb';

/** The ASID in the bucket of stage 2, which has none. */
export const NO_ASID: u32 = 0x10000;

/** In place of a slot when there is none. */
const NO_SLOT: u32 = u32(-1);

/** The slot of an entry, by its index. */
export function shadowEntry(smmu: usize, index: u32): usize {
  return smmu + SMMU_AT_SHADOW + SHADOW_AT_ENTRIES + index * SHADOW_ENTRY_SIZE;
}

/** Locks a slot, by the address of its lock; false while another thread has locked it. */
export function lockSlot(lock: usize): bool {
  return atomic.cmpxchg<i32>(lock, 0, 1) == 0;
}
export function unlockSlot(lock: usize): void {
  atomic.store<i32>(lock, 0);
}

/** The sizes (log2) that leaves, or tables, have had, as a bit mask. */
export function shadowSizes(smmu: usize, isTable: bool): u64 {
  return atomic.load<u64>(smmu + SMMU_AT_SHADOW + SHADOW_AT_SIZES + (usize(isTable) << 3));
}

/** First slot of the set for a block of 2^size bytes: a leaf, or the range of a table. */
export function shadowSet(vmid: u32, block: u64, size: u32, isTable: bool): u32 {
  const hash = tlbHash(vmid, block, size);
  const set = (hash ^ (hash >> 10)) & (SHADOW_SETS - 1);
  return set * SHADOW_WAYS + (isTable ? <u32>SHADOW_ENTRIES / 2 : 0);
}

/**
 * Whether an SMMU may still have an entry. Invalidations without an address kill by
 * generation, as in the IOTLB, except that TLBI_NH_ALL, a stage-1 invalidation, does not
 * kill stage 2 (IHI 0070 section 4.4.2.1).
 */
export function shadowAlive(smmu: usize, entry: usize, meta: u32): bool {
  if (bits(meta, TLB_META_S2))
    return atomic.load<i64>(entry, TLB_ALL_GEN) >= atomic.load<i64>(smmu, SMMU_AT_ALL_GEN);
  return alive(smmu, vmidBlock(smmu, bits(meta, TLB_META_VMID)), entry, meta);
}

/** The bit map of a VMID and an ASID. */
export function shadowBucket(smmu: usize, vmid: u32, asid: u32): usize {
  return smmu + SMMU_AT_SHADOW + SHADOW_AT_BUCKETS + bucketOf(vmid, asid) * SHADOW_BUCKET_SIZE;
}

function bucketOf(vmid: u32, asid: u32): u32 {
  return ((vmid * 0x9e3779b1 + asid * 0x85ebca6b) >> 16) & (SHADOW_BUCKETS - 1);
}

// Moves a locked slot to the bit map of another VMID and ASID, before its entry becomes
// visible.
function moveToBucket(smmu: usize, index: u32, vmid: u32, asid: u32): void {
  const entry = shadowEntry(smmu, index);
  const next = bucketOf(vmid, asid) + 1;
  const old = load<u32>(entry, SHADOW_BUCKET);
  if (old == next) return;
  const buckets = smmu + SMMU_AT_SHADOW + SHADOW_AT_BUCKETS;
  const word = usize(index >> 5) << 2;
  const bit: u32 = (<u32>1) << (index & 31);
  if (old != 0) atomic.and<u32>(buckets + (old - 1) * SHADOW_BUCKET_SIZE + word, ~bit);
  atomic.or<u32>(buckets + (next - 1) * SHADOW_BUCKET_SIZE + word, bit);
  store<u32>(entry, next, SHADOW_BUCKET);
}

// Whether an entry has been reported and still waits for its command.
function isPending(smmu: usize, entry: usize, meta: u32): bool {
  return (
    meta != 0 && atomic.load<u32>(entry, SHADOW_REPORTED) != 0 && shadowAlive(smmu, entry, meta)
  );
}

// The slot for a new entry: that of the same block and address space, otherwise a free
// one, otherwise the next in turn. Announces the size. NO_SLOT when only reported entries
// are available.
function slotFor(smmu: usize, isTable: bool, meta: u32, asid: u32, page: u64, leaf: u32): u32 {
  const sizes = smmu + SMMU_AT_SHADOW + SHADOW_AT_SIZES + (usize(isTable) << 3);
  const sizeBit = (<u64>1) << u64(leaf);
  if ((atomic.load<u64>(sizes) & sizeBit) == 0) atomic.or<u64>(sizes, sizeBit);
  const size = bits(meta, TLB_META_SIZE);
  const first = shadowSet(bits(meta, TLB_META_VMID), page >> u64(leaf - size), leaf, isTable);
  const kind = meta & ~maskOf(TLB_META_GLOBAL);
  let free = NO_SLOT;
  for (let way: u32 = 0; way < <u32>SHADOW_WAYS; way++) {
    const entry = shadowEntry(smmu, first + way);
    const seen = atomic.load<u32>(entry, TLB_META);
    if (seen == 0 || !shadowAlive(smmu, entry, seen)) {
      free = first + way;
    } else if (
      (seen & ~maskOf(TLB_META_GLOBAL)) == kind &&
      atomic.load<u64>(entry, TLB_PAGE) == page &&
      atomic.load<u32>(entry, TLB_LEAF) == leaf &&
      (atomic.load<u32>(entry, TLB_ASID_PERM) & 0xffff) == asid
    ) {
      return isPending(smmu, entry, seen) ? NO_SLOT : first + way;
    }
  }
  if (free != NO_SLOT) return free;
  const turn = u32(atomic.add<i32>(smmu, 1, SMMU_AT_SHADOW + SHADOW_AT_VICTIM));
  for (let i: u32 = 0; i < <u32>SHADOW_WAYS; i++) {
    const index = first + ((turn + i) & (SHADOW_WAYS - 1));
    const entry = shadowEntry(smmu, index);
    if (!isPending(smmu, entry, atomic.load<u32>(entry, TLB_META))) return index;
  }
  return NO_SLOT;
}

/**
 * Adds an entry with the tag of an IOTLB entry. Leaves the shadow unchanged if the entry
 * of the same block has been reported, or if another thread has locked the slot.
 * @param leaf log2 of the size of the leaf that the block is a part of, or of the range
 *   of the table.
 * @param slot address of the descriptor, 0 when it is unknown.
 */
export function keep(
  smmu: usize,
  asidPerm: u32,
  generation: i64,
  allGeneration: i64,
  meta: u32,
  page: u64,
  pa: u64,
  leaf: u32,
  granule: u32,
  level: i32,
  slot: u64,
  descriptor: u64,
  isTable: bool,
): void {
  const vmid = load<u32>(THREAD + THREAD_CFG, CFG_VMID);
  const asid = asidPerm & 0xffff;
  const index = slotFor(smmu, isTable, meta, asid, page, leaf);
  if (index == NO_SLOT) return;
  const at = shadowEntry(smmu, index);
  if (!lockSlot(at + SHADOW_LOCK)) return;
  atomic.store<u32>(at, 0, TLB_META);
  moveToBucket(smmu, index, vmid, bits(meta, TLB_META_S2) ? NO_ASID : asid);
  atomic.store<u32>(at, asidPerm, TLB_ASID_PERM);
  atomic.store<u64>(at, page, TLB_PAGE);
  atomic.store<u64>(at, pa, TLB_PA);
  atomic.store<i64>(at, generation, TLB_GEN);
  atomic.store<i64>(at, allGeneration, TLB_ALL_GEN);
  atomic.store<u32>(at, leaf, TLB_LEAF);
  atomic.store<i32>(at, level, SHADOW_LEVEL);
  atomic.store<u32>(at, granule, SHADOW_GRANULE);
  atomic.store<u64>(at, slot, SHADOW_SLOT);
  atomic.store<u64>(at, descriptor, SHADOW_DESCRIPTOR);
  atomic.store<u32>(at, u32(isTable), SHADOW_IS_TABLE);
  atomic.store<u32>(at, 0, SHADOW_REPORTED);
  atomic.store<u32>(at, meta, TLB_META);
  // As in `tlbInsert`: either the invalidation has seen the entry, or it is seen here.
  if (
    atomic.load<i64>(vmidBlock(smmu, vmid), VMID_ANY_GEN) != generation ||
    atomic.load<i64>(smmu, SMMU_AT_ALL_GEN) != allGeneration
  )
    atomic.store<u32>(at, 0, TLB_META);
  unlockSlot(at + SHADOW_LOCK);
}
