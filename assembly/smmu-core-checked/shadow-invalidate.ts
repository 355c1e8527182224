// SPDX-License-Identifier: MIT
// The entries that a TLBI by address is certain to remove: leaves of the level that TTL
// names, tables above that level only with Leaf = 0, and only entries of the granule that
// TG names (IHI 0070 section 4.4.1). An SMMU may keep the others in the range. It may
// keep all of them when the address is not aligned to TG and TTL, since the effect is
// then unpredictable.

import { TLBI_LEAF } from '../layout/commands';
import {
  TLB_ASID_PERM,
  TLB_META,
  TLB_META_GLOBAL,
  TLB_META_S2,
  TLB_META_VALID,
  TLB_META_VMID,
} from '../layout/iotlb-memory';
import {
  SHADOW_AT_VISITED,
  SHADOW_ENTRIES,
  SHADOW_GRANULE,
  SHADOW_IS_TABLE,
  SHADOW_LEVEL,
  SHADOW_SETS,
  SHADOW_WAYS,
  SMMU_AT_SHADOW,
  TLBI_OF_ASID,
  TLBI_OF_IPA,
  TLBI_OF_STAGE2,
} from '../layout/shadow-memory';
import { bits, maskOf } from '../lib/fields';
import { levelShift } from '../smmu-core/geometry';
import { ANY_ASID, canonical, firstOf, granuleOf, spanOf, ttlOf } from '../smmu-core/invalidate';
import { metaOf, ofLeafIn } from '../smmu-core/iotlb';
import { NO_ASID, shadowBucket, shadowEntry, shadowSet, shadowSizes } from './shadow-slots';

/** The number of words in a bucket's bit map. */
const BUCKET_WORDS: u32 = SHADOW_ENTRIES / 32;

function tagMask(): u32 {
  return maskOf(TLB_META_VMID) | maskOf(TLB_META_S2) | maskOf(TLB_META_VALID);
}

function count(smmu: usize, slots: u32): void {
  atomic.add<i64>(smmu, i64(slots), SMMU_AT_SHADOW + SHADOW_AT_VISITED);
}

// Removes the entries of an address range from `slots` slots, the first of which is
// `index`.
function visit(
  smmu: usize,
  index: u32,
  slots: u32,
  tag: u32,
  asid: u32,
  first: u64,
  last: u64,
  granule: u32,
  ttl: u32,
): void {
  for (const end = index + slots; index < end; index++) {
    const entry = shadowEntry(smmu, index);
    const meta = atomic.load<u32>(entry, TLB_META);
    if ((meta & tagMask()) != tag) continue;
    if (granule != 0 && atomic.load<u32>(entry, SHADOW_GRANULE) != granule) continue;
    const level = atomic.load<i32>(entry, SHADOW_LEVEL);
    const isTable = atomic.load<u32>(entry, SHADOW_IS_TABLE) != 0;
    if (ttl != 0 && (isTable ? level >= i32(ttl) : level != i32(ttl))) continue;
    if (!ofLeafIn(entry, meta, first, last)) continue;
    if (
      asid != ANY_ASID &&
      !bits(meta, TLB_META_GLOBAL) &&
      (atomic.load<u32>(entry, TLB_ASID_PERM) & 0xffff) != asid
    )
      continue;
    atomic.store<u32>(entry, 0, TLB_META);
  }
  count(smmu, slots);
}

// Visits the sets that can have leaves, or tables, of a range: those of each size, or all
// sets when these are fewer.
function visitHalf(
  smmu: usize,
  isTable: bool,
  vmid: u32,
  tag: u32,
  asid: u32,
  first: u64,
  last: u64,
  granule: u32,
  ttl: u32,
): void {
  const all = shadowSizes(smmu, isTable);
  let sets: u64 = 0;
  for (let sizes = all; sizes != 0 && sets < <u64>SHADOW_SETS; sizes &= sizes - 1) {
    const size = ctz(sizes);
    sets += min((last >> size) - (first >> size), <u64>SHADOW_SETS) + 1;
  }
  if (sets > <u64>SHADOW_SETS) {
    const half: u32 = SHADOW_ENTRIES / 2;
    visit(smmu, isTable ? half : 0, half, tag, asid, first, last, granule, ttl);
    return;
  }
  for (let sizes = all; sizes != 0; sizes &= sizes - 1) {
    const size = ctz(sizes);
    const end = last >> size;
    for (let block = first >> size; ; block++) {
      const set = shadowSet(vmid, block, u32(size), isTable);
      visit(smmu, set, SHADOW_WAYS, tag, asid, first, last, granule, ttl);
      if (block == end) break;
    }
  }
}

// Removes the entries that an invalidation without an address removes: the non-global
// ones of an ASID, or those of stage 2.
function visitBucket(smmu: usize, tag: u32, vmid: u32, asid: u32): void {
  const bucket = shadowBucket(smmu, vmid, asid);
  let visited: u32 = 0;
  for (let word: u32 = 0; word < BUCKET_WORDS; word++) {
    let set = atomic.load<u32>(bucket + (usize(word) << 2));
    for (; set != 0; set &= set - 1) {
      visited++;
      const entry = shadowEntry(smmu, (word << 5) + u32(ctz(set)));
      const meta = atomic.load<u32>(entry, TLB_META);
      if ((meta & tagMask()) != tag) continue;
      if (
        asid != NO_ASID &&
        (bits(meta, TLB_META_GLOBAL) || (atomic.load<u32>(entry, TLB_ASID_PERM) & 0xffff) != asid)
      )
        continue;
      atomic.store<u32>(entry, 0, TLB_META);
    }
  }
  count(smmu, visited);
}

/**
 * Like `judgeTlbi` of imports/core.ts; called after the command has raised the generation
 * of the VMID.
 */
export function judgeTlbi(smmu: usize, kind: u32, vmid: u32, asid: u32, d0: u64, d1: u64): void {
  if (kind == TLBI_OF_ASID) {
    visitBucket(smmu, metaOf(vmid, 0, false), vmid, asid);
    return;
  }
  if (kind == TLBI_OF_STAGE2) {
    visitBucket(smmu, metaOf(vmid, 0, true), vmid, NO_ASID);
    return;
  }
  const stage2 = kind == TLBI_OF_IPA;
  const tag = metaOf(vmid, 0, stage2);
  const tg = granuleOf(smmu, d1);
  const granule = tg == 0 ? 0 : 2 * tg + 10;
  const ttl = ttlOf(smmu, d1);
  const first = stage2 ? firstOf(d1) & 0x000fffffffffffff : canonical(firstOf(d1));
  if (granule != 0) {
    const block = (u64(1) << u64(levelShift(granule, ttl == 0 ? 3 : i32(ttl)))) - 1;
    if ((first & block) != 0) return;
  }
  const more = spanOf(smmu, d0, d1) - 1;
  const last = first + more < first ? u64(-1) : first + more;
  visitHalf(smmu, false, vmid, tag, asid, first, last, granule, ttl);
  if (bits(u32(d1), TLBI_LEAF) != 0) return;
  visitHalf(smmu, true, vmid, tag, asid, first, last, granule, ttl);
}
