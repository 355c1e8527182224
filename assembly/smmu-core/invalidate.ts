// SPDX-License-Identifier: MIT
// TLB invalidation (IHI 0070 section 4.4). By VMID or ASID it raises a generation. By
// address it visits the sets that can contain the range, or all sets for a large range.
// This file is compiled into both the core and the drain: a call between instances would
// cost more than the work.

import { TLBI_NUM, TLBI_SCALE, TLBI_SCALE_DS, TLBI_TG, TLBI_TTL } from '../layout/commands';
import {
  TLB_ASID_PERM,
  TLB_META,
  TLB_META_GLOBAL,
  TLB_META_S2,
  TLB_META_VALID,
  TLB_META_VMID,
  TLB_SETS,
  TLB_WAYS,
} from '../layout/iotlb-memory';
import { TLBI_OF_IPA, TLBI_OF_VA } from '../layout/shadow-memory';
import { SMMU_AT_IDR3 } from '../layout/smmu-memory';
import { IDR3_RIL } from '../layout/smmu-registers';
import { VMID_FRACTURED, VMID_SIZES } from '../layout/vmid-memory';
import { bits, maskOf, placed } from '../lib/fields';
import { touch, vmidBlock } from './generations';
import { dsImplemented } from './geometry';
import { ofLeafIn, tlbEntry, tlbHash, tlbSequence, tlbSet, tlbTagged } from './iotlb';
import { tlbiDone } from './judged';
import { markKilled } from './set-lock';

/** TG in a command for 16 KiB granules. */
const TG_16K: u32 = 2;

/** The largest SCALE; larger values act like this one (IHI 0070 section 4.4.1). */
const MAX_SCALE_DS: u32 = 39;

/** Cost of visiting every set, in blocks: a set takes as long as two blocks. */
const EVERY_SET: u32 = 2 * TLB_SETS;

/** The ASID argument that matches every ASID. */
export const ANY_ASID: u32 = 0x10000;

/**
 * Sign-extends a VA from bit 55. Bits 63 to 56 are not compared: with TBI they are a tag,
 * without it they repeat bit 55.
 */
export function canonical(va: u64): u64 {
  return u64(i64(va << 8) >> 8);
}

/** The first address of a TLBI by address, from doubleword 1 of the command. */
export function firstOf(d1: u64): u64 {
  return d1 & ~(<u64>0xfff);
}

/**
 * Whether a TLBI by address may have a range, from its doubleword 1. Small enough to be
 * inlined in its callers: most commands have none.
 */
export function hasGranule(d1: u64): bool {
  return bits(u32(d1), TLBI_TG) != 0;
}

/** TG of a TLBI by address. Without range invalidation the field is reserved, and 0. */
export function granuleOf(smmu: usize, d1: u64): u32 {
  const tg = bits(u32(d1), TLBI_TG);
  return tg == 0 || !bits(load<u32>(smmu, SMMU_AT_IDR3), IDR3_RIL) ? 0 : tg;
}

/** SCALE, which is one bit wider where 4 and 16 KiB granules have 52-bit addresses. */
function scaleOf(smmu: usize, d0: u64): u32 {
  const scale = bits(u32(d0), TLBI_SCALE);
  return bits(u32(d0), TLBI_SCALE_DS) && dsImplemented(smmu)
    ? min(scale | (1 << 5), MAX_SCALE_DS)
    : scale;
}

/**
 * Whether a TLBI by address with a granule can be a reserved combination at all;
 * `reservedRange` decides. Small enough to be inlined in its callers: most commands have
 * a range or a level.
 */
export function mayBeReserved(d0: u64, d1: u64): bool {
  return !(u32(d0) & (maskOf(TLBI_NUM) | maskOf(TLBI_SCALE))) && bits(u32(d1), TLBI_TTL) < 2;
}

/**
 * Whether the range fields of a TLBI by address are a reserved combination: a granule
 * without a range (NUM = SCALE = 0) and without a level (IHI 0070 section 4.4.1.1).
 */
export function reservedRange(smmu: usize, d0: u64, d1: u64): bool {
  const tg = granuleOf(smmu, d1);
  if (tg == 0 || bits(u32(d0), TLBI_NUM) != 0 || scaleOf(smmu, d0) != 0) return false;
  return ttlOf(smmu, d1) == 0;
}

/**
 * TTL of a TLBI by address: the level of the leaves to invalidate, 0 for every level,
 * which is also its value without a granule. Level 1 of 16 KiB tables, which has no
 * leaves without LPA2, acts as 0 (IHI 0070 section 4.4.1.1).
 */
export function ttlOf(smmu: usize, d1: u64): u32 {
  const tg = granuleOf(smmu, d1);
  const ttl = bits(u32(d1), TLBI_TTL);
  return tg == 0 || (ttl == 1 && tg == TG_16K && !dsImplemented(smmu)) ? 0 : ttl;
}

/**
 * The number of bytes that a TLBI by address covers: one address with TG = 0, otherwise
 * (NUM + 1) << SCALE granules of 2^(2*TG+10) bytes.
 */
export function spanOf(smmu: usize, d0: u64, d1: u64): u64 {
  const tg = granuleOf(smmu, d1);
  return tg == 0 ? 1 : granules(tg, bits(u32(d0), TLBI_NUM), scaleOf(smmu, d0));
}

// The number of bytes of (NUM + 1) << SCALE granules.
function granules(tg: u32, num: u32, scale: u32): u64 {
  return (u64(num) + 1) << u64(scale + 2 * tg + 10);
}

// Kills the matching entries of one set, regardless of the hashes of its ways.
function killMatching(
  smmu: usize,
  set: u32,
  vmid: u32,
  asid: u32,
  stage2: bool,
  first: u64,
  last: u64,
): void {
  const tag =
    placed(vmid, TLB_META_VMID) | placed(u32(stage2), TLB_META_S2) | maskOf(TLB_META_VALID);
  const tagMask = maskOf(TLB_META_VMID) | maskOf(TLB_META_S2) | maskOf(TLB_META_VALID);
  for (let way: u32 = 0; way < <u32>TLB_WAYS; way++) {
    const entry = tlbEntry(smmu, set, way);
    const meta = atomic.load<u32>(entry, TLB_META);
    if ((meta & tagMask) != tag) continue;
    if (!ofLeafIn(entry, meta, first, last)) continue;
    if (
      asid != ANY_ASID &&
      !bits(meta, TLB_META_GLOBAL) &&
      (load<u32>(entry, TLB_ASID_PERM) & 0xffff) != asid
    )
      continue;
    atomic.store<u32>(entry, 0, TLB_META);
  }
}

// Both sweeps do the same for each block: mark its set, for an insert that may be in
// progress there, and visit the entries if a tag matches. The code is repeated because a
// call would cost as much as these steps.

// Visits the block of an address for each size that entries of the VMID have had.
function sweepAddress(smmu: usize, sizes: u64, vmid: u32, asid: u32, address: u64): void {
  for (; sizes != 0; sizes &= sizes - 1) {
    const size = u32(ctz(sizes));
    const hash = tlbHash(vmid, address >> u64(size), size);
    const sequence = tlbSequence(smmu, tlbSet(hash));
    markKilled(sequence);
    if (tlbTagged(sequence, hash))
      killMatching(smmu, tlbSet(hash), vmid, asid, false, address, address);
  }
}

// For each size, visits the blocks from one address to another, or all sets when there
// are more blocks than sets. Kills the entries of every leaf that has an address of the
// range `first` to `last`. Returns the blocks visited, EVERY_SET for all sets.
function sweepRange(
  smmu: usize,
  sizes: u64,
  vmid: u32,
  asid: u32,
  stage2: bool,
  from: u64,
  through: u64,
  first: u64,
  last: u64,
): u32 {
  let visited: u32 = 0;
  for (; sizes != 0; sizes &= sizes - 1) {
    const size = u32(ctz(sizes));
    const to = through >> u64(size);
    let page = from >> u64(size);
    if (to - page < <u64>TLB_SETS) {
      visited += u32(to - page) + 1;
      for (; page <= to; page++) {
        const hash = tlbHash(vmid, page, size);
        const sequence = tlbSequence(smmu, tlbSet(hash));
        markKilled(sequence);
        if (tlbTagged(sequence, hash))
          killMatching(smmu, tlbSet(hash), vmid, asid, stage2, first, last);
      }
      continue;
    }
    for (let set: u32 = 0; set < <u32>TLB_SETS; set++) {
      markKilled(tlbSequence(smmu, set));
      killMatching(smmu, set, vmid, asid, stage2, first, last);
    }
    return visited + EVERY_SET;
  }
  return visited;
}

/**
 * Kills the entries of a range of stage-1 input addresses.
 * @param asid ANY_ASID for all.
 * @param more the length of the range minus 1, in bytes.
 * @returns the blocks visited beyond the few of every command, as the budget of a service
 *   counts them.
 */
export function invalidateSpan(smmu: usize, vmid: u32, asid: u32, first: u64, more: u64): u32 {
  const block = vmidBlock(smmu, vmid);
  // Read after the raise: an inserter announces both before it checks the generation.
  const fractured = atomic.load<u64>(block, VMID_FRACTURED);
  const sizes = atomic.load<u64>(block, VMID_SIZES);
  // Fast path for a range inside one block of each size: its length is a power of two
  // (`more` is a mask of low bits), it is aligned (no bit of `first` in the mask), and no
  // entry is smaller (no bit of `sizes` in the mask). `more + 1` has a bit in the mask
  // unless the length is a power of two.
  if (fractured == 0 && ((sizes | first | (more + 1)) & more) == 0) {
    sweepAddress(smmu, sizes, vmid, asid, first);
    return 0;
  }
  // A range that wraps around ends at the top of the address space.
  const last = first + more < first ? u64(-1) : first + more;
  // An entry that is smaller than its stage-1 leaf may be anywhere in the leaf, and one
  // TLBI has to remove the whole leaf. The largest fractured leaf around the range
  // contains the smaller ones.
  const around = fractured == 0 ? 0 : (u64(-1) >> clz(fractured)) >> 1;
  return sweepRange(smmu, sizes, vmid, asid, false, first & ~around, last | around, first, last);
}

/**
 * TLBI_NH_VA, or TLBI_NH_VAA with ANY_ASID.
 * @param d0 doubleword 0 of the command.
 * @param d1 doubleword 1.
 * @returns the blocks visited, like `invalidateSpan`.
 */
export function invalidateVa(smmu: usize, vmid: u32, asid: u32, d0: u64, d1: u64): u32 {
  // `spanOf` would be a call per command; only a SCALE of 32 or more needs it.
  let more: u64 = 0;
  if (bits(u32(d0), TLBI_SCALE_DS)) {
    more = spanOf(smmu, d0, d1) - 1;
  } else {
    const tg = granuleOf(smmu, d1);
    if (tg != 0) more = granules(tg, bits(u32(d0), TLBI_NUM), bits(u32(d0), TLBI_SCALE)) - 1;
  }
  const visited = invalidateSpan(smmu, vmid, asid, canonical(firstOf(d1)), more);
  tlbiDone(smmu, TLBI_OF_VA, vmid, asid, d0, d1);
  return visited;
}

/**
 * TLBI_S2_IPA. It may leave entries of both stages combined (software follows with
 * TLBI_NH_ALL); walks that are under way will not be cached.
 * @returns the blocks visited.
 */
export function invalidateIpa(smmu: usize, vmid: u32, d0: u64, d1: u64): u32 {
  const block = vmidBlock(smmu, vmid);
  touch(block);
  const first = firstOf(d1) & 0x000fffffffffffff;
  const last = first + spanOf(smmu, d0, d1) - 1;
  const sizes = atomic.load<u64>(block, VMID_SIZES);
  const visited = sweepRange(smmu, sizes, vmid, ANY_ASID, true, first, last, first, last);
  tlbiDone(smmu, TLBI_OF_IPA, vmid, ANY_ASID, d0, d1);
  return visited;
}
