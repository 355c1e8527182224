// SPDX-License-Identifier: MIT
// The shadow of the IOTLB: leaves and tables that an SMMU may have cached by the architecture, whatever
// this model keeps. They go by the generations of VMIDs and ASIDs, and by what `judgeTlbi` makes
// of a TLBI by address. Tables of stage 2 are not among them.

import { THREAD } from '../imports/unit';
import { CD_ENDI, CD_IPS, CD_T0SZ, CD_T1SZ, CD_TG0, CD_TG1 } from '../layout/cd';
import {
  CFG_CD0,
  CFG_CD1,
  CFG_CONFIG,
  CFG_DS,
  CFG_DS_STAGE1,
  CFG_STE5,
  CFG_TTB0,
  CFG_TTB1,
  CFG_VMID,
} from '../layout/config-cache-memory';
import { PTE_TYPE, PTE_TYPE_TABLE } from '../layout/descriptors';
import {
  TLB_ALL_GEN,
  TLB_ASID_PERM,
  TLB_GEN,
  TLB_LEAF,
  TLB_META,
  TLB_META_GLOBAL,
  TLB_META_SIZE,
  TLB_PA,
  TLB_PAGE,
  TLB_WAYS,
} from '../layout/iotlb-memory';
import { SEQ_BUSY } from '../layout/set-sequence';
import {
  SHADOW_AT_ENTRIES,
  SHADOW_DESCRIPTOR,
  SHADOW_ENTRIES,
  SHADOW_ENTRY_SIZE,
  SHADOW_IS_TABLE,
  SHADOW_LEVEL,
  SHADOW_LOCK,
  SHADOW_REPORTED,
  SHADOW_SLOT,
  SMMU_AT_SHADOW,
} from '../layout/shadow-memory';
import { SMMU_AT_ALL_GEN } from '../layout/smmu-memory';
import { STE_CONFIG_NESTED, STE_CONFIG_S2, STE_S2TG } from '../layout/ste';
import { THREAD_CFG, THREAD_IOVA } from '../layout/thread-memory';
import { VMID_ANY_GEN } from '../layout/vmid-memory';
import { bits, maskOf, placed } from '../lib/fields';
import { vmidBlock } from '../smmu-core/generations';
import {
  addressOf,
  effectiveBits,
  granuleOfTg0,
  granuleOfTg1,
  levelShift,
  stage1StartLevel,
  tableBase,
} from '../smmu-core/geometry';
import { canonical } from '../smmu-core/invalidate';
import { alive, tlbHash, tlbSequence } from '../smmu-core/iotlb';
import { S1_NEW, S1_SLOT } from '../smmu-core/walk-stage1';
import { descriptorAt } from './descriptor-at';
import { entryInUse, tlbIndex } from './origins';

/** The slot of an entry, by its index. */
export function shadowEntry(smmu: usize, index: u32): usize {
  return smmu + SMMU_AT_SHADOW + SHADOW_AT_ENTRIES + index * SHADOW_ENTRY_SIZE;
}

/** Takes a slot, by the address of its lock; false while another thread has it. */
export function lockSlot(lock: usize): bool {
  return atomic.cmpxchg<i32>(lock, 0, 1) == 0;
}
export function unlockSlot(lock: usize): void {
  atomic.store<i32>(lock, 0);
}

function granuleInUse(config: u32, upper: u64): u32 {
  const cfg = THREAD + THREAD_CFG;
  if (config == STE_CONFIG_S2) return granuleOfTg0(bits(load<u32>(cfg, CFG_STE5), STE_S2TG));
  const cd0 = load<u32>(cfg, CFG_CD0);
  return upper ? granuleOfTg1(bits(cd0, CD_TG1)) : granuleOfTg0(bits(cd0, CD_TG0));
}

// Puts an entry into its slot, tagged as an entry of the IOTLB. One that was reported stays, as does
// what else is in use of another thread.
function keep(
  smmu: usize,
  asidPerm: u32,
  generation: i64,
  allGeneration: i64,
  meta: u32,
  page: u64,
  pa: u64,
  leaf: u32,
  level: i32,
  slot: u64,
  descriptor: u64,
  isTable: bool,
): void {
  const block = vmidBlock(smmu, load<u32>(THREAD + THREAD_CFG, CFG_VMID));
  const size = bits(meta, TLB_META_SIZE);
  const hash = tlbHash((asidPerm << 1) | u32(isTable), page, size);
  // A half each: the tables of a walk do not take the place of its leaf.
  const half: u32 = SHADOW_ENTRIES / 2;
  const at = shadowEntry(smmu, ((hash ^ (hash >> 10)) & (half - 1)) + (isTable ? half : 0));
  if (!lockSlot(at + SHADOW_LOCK)) return;
  const old = atomic.load<u32>(at, TLB_META);
  const pending =
    old != 0 && atomic.load<u32>(at, SHADOW_REPORTED) != 0 && alive(smmu, block, at, old);
  if (!pending) {
    atomic.store<u32>(at, 0, TLB_META);
    atomic.store<u32>(at, asidPerm, TLB_ASID_PERM);
    atomic.store<u64>(at, page, TLB_PAGE);
    atomic.store<u64>(at, pa, TLB_PA);
    atomic.store<i64>(at, generation, TLB_GEN);
    atomic.store<i64>(at, allGeneration, TLB_ALL_GEN);
    atomic.store<u32>(at, leaf, TLB_LEAF);
    atomic.store<i32>(at, level, SHADOW_LEVEL);
    atomic.store<u64>(at, slot, SHADOW_SLOT);
    atomic.store<u64>(at, descriptor, SHADOW_DESCRIPTOR);
    atomic.store<u32>(at, u32(isTable), SHADOW_IS_TABLE);
    atomic.store<u32>(at, 0, SHADOW_REPORTED);
    atomic.store<u32>(at, meta, TLB_META);
    // As `tlbInsert`: an invalidation has seen the entry, or is seen here.
    if (
      atomic.load<i64>(block, VMID_ANY_GEN) != generation ||
      atomic.load<i64>(smmu, SMMU_AT_ALL_GEN) != allGeneration
    )
      atomic.store<u32>(at, 0, TLB_META);
  }
  unlockSlot(at + SHADOW_LOCK);
}

function keepTables(
  smmu: usize,
  asidPerm: u32,
  generation: i64,
  allGeneration: i64,
  meta: u32,
  granule: u32,
  leafLevel: i32,
): void {
  const cfg = THREAD + THREAD_CFG;
  const address = canonical(load<u64>(THREAD, THREAD_IOVA));
  const upper = (address >> 55) & 1;
  const cd0 = load<u32>(cfg, CFG_CD0);
  const inputBits: u32 = <u32>64 - bits(cd0, upper ? CD_T1SZ : CD_T0SZ);
  const lpa2 = granule != 16 && (load<u32>(cfg, CFG_DS) & CFG_DS_STAGE1) != 0;
  const outputBits = effectiveBits(smmu, bits(load<u32>(cfg, CFG_CD1), CD_IPS), granule, lpa2);
  const nested = load<u32>(cfg, CFG_CONFIG) == STE_CONFIG_NESTED;
  const big = bits(cd0, CD_ENDI) != 0;
  const tags = meta & ~(maskOf(TLB_META_SIZE) | maskOf(TLB_META_GLOBAL));
  let level = stage1StartLevel(granule, inputBits);
  const firstBits = inputBits - levelShift(granule, level);
  let indexMask = u64(-1) >> (<u64>64 - u64(firstBits));
  const ttb = upper ? load<u64>(cfg, CFG_TTB1) : load<u64>(cfg, CFG_TTB0);
  let table = tableBase(ttb, firstBits + 3, outputBits);
  for (; level < leafLevel; level++) {
    const shift = levelShift(granule, level);
    const slot = table + (((address >> u64(shift)) & indexMask) << 3);
    const descriptor = descriptorAt(smmu, slot, nested, big);
    if (bits(u32(descriptor), PTE_TYPE) != PTE_TYPE_TABLE) return;
    const page = address >> u64(shift);
    const own = tags | placed(shift, TLB_META_SIZE);
    keep(
      smmu,
      asidPerm,
      generation,
      allGeneration,
      own,
      page,
      0,
      shift,
      level,
      slot,
      descriptor,
      true,
    );
    table = addressOf(smmu, descriptor, granule, granule, lpa2);
    indexMask = (u64(1) << u64(granule - 3)) - 1;
  }
}

/**
 * After an insert into the IOTLB: keeps the leaf, and the tables of stage 1 above it. Reads the access
 * and THREAD_CFG; destroys THREAD_EVENT and the set of table addresses.
 */
export function keepTranslation(smmu: usize): void {
  const entry = entryInUse(smmu);
  if (entry == 0) return;
  // Another thread may put another entry into the way while this one is read: then there is nothing to keep.
  const sequence = tlbSequence(smmu, tlbIndex(smmu, entry) / TLB_WAYS);
  const before = atomic.load<u32>(sequence);
  if ((before & SEQ_BUSY) != 0 || entryInUse(smmu) != entry) return;
  const meta = atomic.load<u32>(entry, TLB_META);
  const leaf = atomic.load<u32>(entry, TLB_LEAF);
  const page = atomic.load<u64>(entry, TLB_PAGE);
  const pa = atomic.load<u64>(entry, TLB_PA);
  const asidPerm = atomic.load<u32>(entry, TLB_ASID_PERM);
  const generation = atomic.load<i64>(entry, TLB_GEN);
  const allGeneration = atomic.load<i64>(entry, TLB_ALL_GEN);
  if (meta == 0 || atomic.load<u32>(sequence) != before) return;
  const config = load<u32>(THREAD + THREAD_CFG, CFG_CONFIG);
  const stage2 = config == STE_CONFIG_S2;
  const granule = granuleInUse(config, (load<u64>(THREAD, THREAD_IOVA) >> 55) & 1);
  const level = 3 - i32((leaf - granule) / (granule - 3));
  const slot = stage2 ? 0 : load<u64>(THREAD, S1_SLOT);
  const descriptor = stage2 ? 0 : load<u64>(THREAD, S1_NEW);
  keep(
    smmu,
    asidPerm,
    generation,
    allGeneration,
    meta,
    page,
    pa,
    leaf,
    level,
    slot,
    descriptor,
    false,
  );
  if (!stage2) keepTables(smmu, asidPerm, generation, allGeneration, meta, granule, level);
}
