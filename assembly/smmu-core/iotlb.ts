// SPDX-License-Identifier: MIT
// The IOTLB: lookup and insert. An entry is tagged by {VMID, ASID, input address, size}
// (IHI 0070 section 3.17), a global entry by ASET in place of the ASID (section 3.17.1);
// the StreamID is no part of the tag. An entry is live while it is marked valid and its
// generations are not older than those of its VMID, its ASID and the whole SMMU.

import { THREAD, THREAD_ID } from '../imports/unit';
import { CD_ASET } from '../layout/cd';
import { CFG_CD1 } from '../layout/config-cache-memory';
import {
  SMMU_AT_TLB,
  SMMU_AT_TLB_SEQ,
  TLB_ALL_GEN,
  TLB_ASET,
  TLB_ASID_PERM,
  TLB_ENTRY_SIZE,
  TLB_GEN,
  TLB_LEAF,
  TLB_META,
  TLB_META_GLOBAL,
  TLB_META_S2,
  TLB_META_SIZE,
  TLB_META_VALID,
  TLB_META_VMID,
  TLB_PA,
  TLB_PAGE,
  TLB_SET_SEQ,
  TLB_SET_STRIDE,
  TLB_SET_TAGS,
  TLB_SET_VICTIM,
  TLB_SETS,
  TLB_WAYS,
} from '../layout/iotlb-memory';
import { SEQ_BUSY } from '../layout/set-sequence';
import { SMMU_AT_ALL_GEN } from '../layout/smmu-memory';
import {
  THREAD_CFG,
  THREAD_PA,
  THREAD_PA_SIZE,
  THREAD_TLB_DISCARDS,
  THREAD_TLB_INSERTS,
} from '../layout/thread-memory';
import { VMID_ALL_GEN, VMID_ANY_GEN, VMID_FRACTURED, VMID_SIZES } from '../layout/vmid-memory';
import { count } from '../lib/counters';
import { bits, maskOf, placed } from '../lib/fields';
import { asidGen, vmidBlock } from './generations';
import { freeSet, heldBy, releaseSet, takeSet } from './set-lock';

/**
 * The hash of a block of 2^size bytes. The ASID is not included, so that TLBI_NH_VAA and
 * lookups of global entries find the set as well. Never 0.
 */
export function tlbHash(vmid: u32, page: u64, size: u32): u32 {
  const hash = u32(page) ^ u32(page >> 32) ^ (vmid * 0x9e3779b1) ^ (size * 0x85ebca6b);
  return (hash ^ (hash >> 16)) | TAG_USED;
}

// Set in every hash, which distinguishes hashes from the tag of a way that was never
// used. Not among the bits that select the set.
const TAG_USED: u32 = u32(0x80000000);

/** Set of a hash. */
export function tlbSet(hash: u32): u32 {
  return (hash ^ (hash >> 10)) & (TLB_SETS - 1);
}

/**
 * True when a way of the set may have an entry of this hash. Takes the address of the
 * set's sequence word. Loads all tags at once; the atomic load of the sequence word
 * before it orders this load after the raise of the generation.
 */
export function tlbTagged(sequence: usize, hash: u32): bool {
  return v128.any_true(
    i32x4.eq(v128.load(sequence, TLB_SET_TAGS - TLB_SET_SEQ), i32x4.splat(hash)),
  );
}

/** The TLB_SET_TAGS word of a way. Takes the address of the set's sequence word. */
export function tlbTag(sequence: usize, way: u32): u32 {
  return atomic.load<u32>(sequence + (way << 2), TLB_SET_TAGS - TLB_SET_SEQ);
}

export function tlbSequence(smmu: usize, set: u32): usize {
  return smmu + SMMU_AT_TLB_SEQ + set * TLB_SET_STRIDE + TLB_SET_SEQ;
}

export function tlbEntry(smmu: usize, set: u32, way: u32): usize {
  return smmu + SMMU_AT_TLB + (set * TLB_WAYS + way) * TLB_ENTRY_SIZE;
}

/** TLB_META without the GLOBAL bit: what a lookup compares. */
export function metaOf(vmid: u32, size: u32, stage2: bool): u32 {
  return (
    placed(vmid, TLB_META_VMID) |
    placed(size, TLB_META_SIZE) |
    placed(u32(stage2), TLB_META_S2) |
    maskOf(TLB_META_VALID)
  );
}

/** Whether a valid entry is younger than every invalidation that covers it. */
export function alive(smmu: usize, block: usize, entry: usize, meta: u32): bool {
  const generation = atomic.load<i64>(entry, TLB_GEN);
  if (generation < atomic.load<i64>(block, VMID_ALL_GEN)) return false;
  if (atomic.load<i64>(entry, TLB_ALL_GEN) < atomic.load<i64>(smmu, SMMU_AT_ALL_GEN)) return false;
  if (bits(meta, TLB_META_GLOBAL) || bits(meta, TLB_META_S2)) return true;
  return (
    generation >= atomic.load<i64>(asidGen(block, atomic.load<u32>(entry, TLB_ASID_PERM) & 0xffff))
  );
}

/**
 * Whether a stage-1 entry belongs to the ASID or, if it is global, to the ASET of the
 * configuration in THREAD_CFG: CDs whose ASIDs are shared with processors share no pages
 * with CDs whose ASIDs are not.
 */
export function ofAddressSpace(meta: u32, asidPerm: u32, asid: u32): bool {
  if (!bits(meta, TLB_META_GLOBAL)) return (asidPerm & 0xffff) == asid;
  const own = bits(load<u32>(THREAD + THREAD_CFG, CFG_CD1), CD_ASET) != 0;
  return ((asidPerm & TLB_ASET) != 0) == own;
}

/**
 * Looks up an input address (a VA, or an IPA with `stage2`); a hit fills THREAD_PA and
 * THREAD_PA_SIZE.
 * @returns the entry's TLB_PERM_* bits, 0 on a miss (every entry has some permission).
 */
export function tlbLookup(smmu: usize, vmid: u32, asid: u32, input: u64, stage2: bool): u32 {
  const block = vmidBlock(smmu, vmid);
  for (let sizes = atomic.load<u64>(block, VMID_SIZES); sizes != 0; sizes &= sizes - 1) {
    const size = u32(ctz(sizes));
    const page = input >> u64(size);
    const hash = tlbHash(vmid, page, size);
    const set = tlbSet(hash);
    const sequence = tlbSequence(smmu, set);
    const before = atomic.load<u32>(sequence);
    if (before & SEQ_BUSY) continue;
    const wanted = metaOf(vmid, size, stage2);
    for (let way: u32 = 0; way < <u32>TLB_WAYS; way++) {
      if (tlbTag(sequence, way) != hash) continue;
      const entry = tlbEntry(smmu, set, way);
      const meta = atomic.load<u32>(entry, TLB_META);
      if ((meta & ~maskOf(TLB_META_GLOBAL)) != wanted || atomic.load<u64>(entry, TLB_PAGE) != page)
        continue;
      const asidPerm = atomic.load<u32>(entry, TLB_ASID_PERM);
      if (!stage2 && !ofAddressSpace(meta, asidPerm, asid)) continue;
      if (!alive(smmu, block, entry, meta)) continue;
      const pa = atomic.load<u64>(entry, TLB_PA);
      if (atomic.load<u32>(sequence) != before) break;
      store<u64>(THREAD, pa | (input & ~(u64(-1) << u64(size))), THREAD_PA);
      store<u32>(THREAD, size, THREAD_PA_SIZE);
      return asidPerm & 0xffff0000;
    }
  }
  return 0;
}

// The way of a locked set that receives a new entry: the way of the same block, otherwise
// a free one, otherwise the next in turn. Blocks of two ASIDs are different blocks,
// unless the cached one is global and has the same ASET.
function victim(smmu: usize, set: u32, meta: u32, asidPerm: u32, page: u64): u32 {
  let free: u32 = TLB_WAYS;
  for (let way: u32 = 0; way < <u32>TLB_WAYS; way++) {
    const entry = tlbEntry(smmu, set, way);
    const seen = atomic.load<u32>(entry, TLB_META);
    const differs = load<u32>(entry, TLB_ASID_PERM) ^ asidPerm;
    if (
      (seen & ~maskOf(TLB_META_GLOBAL)) == meta &&
      load<u64>(entry, TLB_PAGE) == page &&
      (seen & maskOf(TLB_META_S2) ||
        (differs & (seen & maskOf(TLB_META_GLOBAL) ? u32(TLB_ASET) : <u32>0xffff)) == 0)
    )
      return way;
    if (seen == 0) free = way;
  }
  if (free != TLB_WAYS) return free;
  const next = tlbSequence(smmu, set) + (TLB_SET_VICTIM - TLB_SET_SEQ);
  const way = load<u32>(next);
  store<u32>(next, way + 1);
  return way & (TLB_WAYS - 1);
}

/**
 * Frees a set that a dead thread (index) has left locked, and clears its entries: the
 * thread may have died between inserting an entry and killing it for an invalidation.
 */
export function reapTlbSet(smmu: usize, set: u32, thread: u32): void {
  const sequence = tlbSequence(smmu, set);
  if (!heldBy(sequence, thread)) return;
  for (let way: u32 = 0; way < <u32>TLB_WAYS; way++)
    atomic.store<u32>(tlbEntry(smmu, set, way), 0, TLB_META);
  freeSet(sequence);
}

/**
 * Whether an entry is of a leaf that has an address of a range. An invalidation by
 * address removes these entries, even if only small parts of the leaf are cached.
 */
export function ofLeafIn(entry: usize, meta: u32, first: u64, last: u64): bool {
  const leaf = u64(load<u32>(entry, TLB_LEAF));
  const at = load<u64>(entry, TLB_PAGE) >> (leaf - u64(bits(meta, TLB_META_SIZE)));
  return at >= first >> leaf && at <= last >> leaf;
}

/**
 * Caches a translation, unless an invalidation of its VMID has run since `generation` and
 * `allGeneration` were sampled. The check comes after the size is announced and while the
 * set is locked: either this check sees the invalidation, or the invalidation sees the
 * announcement and marks the set.
 * @param permissions TLB_PERM_* bits.
 * @param leaf log2 of the size of the leaf that contains the block.
 */
export function tlbInsert(
  smmu: usize,
  vmid: u32,
  asid: u32,
  input: u64,
  pa: u64,
  size: u32,
  permissions: u32,
  global: bool,
  stage2: bool,
  leaf: u32,
  generation: i64,
  allGeneration: i64,
): void {
  const block = vmidBlock(smmu, vmid);
  const page = input >> u64(size);
  const hash = tlbHash(vmid, page, size);
  const set = tlbSet(hash);
  const sequence = tlbSequence(smmu, set);
  if (!takeSet(sequence)) {
    // Locked by this very thread: its stack overflowed in here during an earlier call.
    reapTlbSet(smmu, set, THREAD_ID - 1);
    count(THREAD_TLB_DISCARDS);
    return;
  }
  const bit = (<u64>1) << u64(size);
  if ((atomic.load<u64>(block, VMID_SIZES) & bit) == 0) atomic.or<u64>(block, bit, VMID_SIZES);
  if (leaf > size) atomic.or<u64>(block, (<u64>1) << u64(leaf), VMID_FRACTURED);

  const meta = metaOf(vmid, size, stage2);
  const asidPerm = (asid & 0xffff) | permissions;
  const way = victim(smmu, set, meta, asidPerm, page);
  const entry = tlbEntry(smmu, set, way);
  // All accesses are atomic, here and in the lookup: on a weakly ordered machine the
  // sequence word alone would not keep a reader from mixing two entries.
  atomic.store<u32>(entry, 0, TLB_META);
  atomic.store<u32>(sequence + (way << 2), hash, TLB_SET_TAGS - TLB_SET_SEQ);
  atomic.store<u32>(entry, asidPerm, TLB_ASID_PERM);
  atomic.store<u64>(entry, page, TLB_PAGE);
  atomic.store<u64>(entry, pa & (u64(-1) << u64(size)), TLB_PA);
  atomic.store<i64>(entry, generation, TLB_GEN);
  atomic.store<i64>(entry, allGeneration, TLB_ALL_GEN);
  atomic.store<u32>(entry, leaf, TLB_LEAF);
  const current =
    atomic.load<i64>(block, VMID_ANY_GEN) == generation &&
    atomic.load<i64>(smmu, SMMU_AT_ALL_GEN) == allGeneration;
  if (current) atomic.store<u32>(entry, meta | placed(u32(global), TLB_META_GLOBAL), TLB_META);
  if (!releaseSet(sequence)) {
    atomic.store<u32>(entry, 0, TLB_META);
    freeSet(sequence);
    count(THREAD_TLB_DISCARDS);
  } else {
    count(current ? THREAD_TLB_INSERTS : THREAD_TLB_DISCARDS);
  }
}
