// SPDX-License-Identifier: MIT
// The descriptors that cached entries were made from. They are stored separately from the
// caches when an entry is inserted, so that a report can name the change since then.

import { RAM_BASE, THREAD } from '../imports/unit';
import { CD_SIZE } from '../layout/cd';
import {
  CHECK_AT_CONFIGS,
  CHECK_AT_TRANSLATIONS,
  ORIGIN_CD,
  ORIGIN_CONFIG_REPORTED,
  ORIGIN_CONFIG_SIZE,
  ORIGIN_GEN,
  ORIGIN_LEAF1,
  ORIGIN_LEAF2,
  ORIGIN_PAGE,
  ORIGIN_SLOT1,
  ORIGIN_SLOT2,
  ORIGIN_STE,
  ORIGIN_TLB_REPORTED,
  ORIGIN_TLB_SIZE,
  SMMU_AT_CHECK,
} from '../layout/check-memory';
import {
  CFG_ASID,
  CFG_CD0,
  CFG_CD1,
  CFG_CONFIG,
  CFG_ENTRY_SIZE,
  CFG_STE2,
  CFG_STE5,
  CFG_VMID,
  SMMU_AT_CFG_ENTRIES,
} from '../layout/config-cache-memory';
import {
  SMMU_AT_TLB,
  TLB_ASID_PERM,
  TLB_ENTRY_SIZE,
  TLB_GEN,
  TLB_META,
  TLB_META_GLOBAL,
  TLB_PA,
  TLB_PAGE,
  TLB_WAYS,
} from '../layout/iotlb-memory';
import { STE_CONFIG_S1, STE_CONFIG_S2, STE_SIZE } from '../layout/ste';
import {
  THREAD_CD,
  THREAD_CFG,
  THREAD_IOVA,
  THREAD_PA,
  THREAD_PA_SIZE,
  THREAD_STE,
} from '../layout/thread-memory';
import { maskOf } from '../lib/fields';
import { configEntry } from '../smmu-core/config-cache';
import { vmidBlock } from '../smmu-core/generations';
import { canonical } from '../smmu-core/invalidate';
import {
  alive,
  metaOf,
  ofAddressSpace,
  tlbEntry,
  tlbHash,
  tlbSequence,
  tlbSet,
  tlbTag,
} from '../smmu-core/iotlb';
import { S1_NEW, S1_SLOT } from '../smmu-core/walk-stage1';
import { S2_NEW, S2_PLACE } from '../smmu-core/walk-stage2';

/** Index of an entry of the IOTLB, or of the configuration cache. */
export function tlbIndex(smmu: usize, entry: usize): u32 {
  return u32((entry - smmu - SMMU_AT_TLB) / TLB_ENTRY_SIZE);
}
export function configIndex(smmu: usize, entry: usize): u32 {
  return u32((entry - smmu - SMMU_AT_CFG_ENTRIES) / CFG_ENTRY_SIZE);
}

/** The origin of an entry of the IOTLB, or of the configuration cache. */
export function tlbOrigin(smmu: usize, entry: usize): usize {
  return smmu + SMMU_AT_CHECK + CHECK_AT_TRANSLATIONS + tlbIndex(smmu, entry) * ORIGIN_TLB_SIZE;
}
export function configOrigin(smmu: usize, entry: usize): usize {
  return smmu + SMMU_AT_CHECK + CHECK_AT_CONFIGS + configIndex(smmu, entry) * ORIGIN_CONFIG_SIZE;
}

/**
 * The entry that the translation in the thread block used, 0 when it has been removed.
 * THREAD_CFG has the configuration of the access.
 */
export function entryInUse(smmu: usize): usize {
  const vmid = load<u32>(THREAD + THREAD_CFG, CFG_VMID);
  const stage2 = load<u32>(THREAD + THREAD_CFG, CFG_CONFIG) == STE_CONFIG_S2;
  const iova = load<u64>(THREAD, THREAD_IOVA);
  const size = load<u32>(THREAD, THREAD_PA_SIZE);
  const page = (stage2 ? iova : canonical(iova)) >> u64(size);
  const wanted = metaOf(vmid, size, stage2);
  const hash = tlbHash(vmid, page, size);
  const set = tlbSet(hash);
  for (let way: u32 = 0; way < <u32>TLB_WAYS; way++) {
    if (tlbTag(tlbSequence(smmu, set), way) != hash) continue;
    const entry = tlbEntry(smmu, set, way);
    const meta = atomic.load<u32>(entry, TLB_META);
    if ((meta & ~maskOf(TLB_META_GLOBAL)) != wanted || atomic.load<u64>(entry, TLB_PAGE) != page)
      continue;
    if (atomic.load<u64>(entry, TLB_PA) != (load<u64>(THREAD, THREAD_PA) >> u64(size)) << u64(size))
      continue;
    const asidPerm = atomic.load<u32>(entry, TLB_ASID_PERM);
    if (!stage2 && !ofAddressSpace(meta, asidPerm, load<u32>(THREAD + THREAD_CFG, CFG_ASID)))
      continue;
    if (alive(smmu, vmidBlock(smmu, vmid), entry, meta)) return entry;
  }
  return 0;
}

/**
 * Stores the leaf descriptors of an inserted entry, from S1_* and S2_*. Only reads the
 * thread block.
 */
export function rememberTranslation(smmu: usize): void {
  const entry = entryInUse(smmu);
  if (entry == 0) return;
  const origin = tlbOrigin(smmu, entry);
  const config = load<u32>(THREAD + THREAD_CFG, CFG_CONFIG);
  atomic.store<i32>(origin, 0, ORIGIN_TLB_REPORTED);
  atomic.store<i64>(origin, 0, ORIGIN_GEN);
  atomic.store<u64>(origin, config == STE_CONFIG_S2 ? 0 : load<u64>(THREAD, S1_SLOT), ORIGIN_SLOT1);
  atomic.store<u64>(origin, load<u64>(THREAD, S1_NEW), ORIGIN_LEAF1);
  // The PA of a stage-2 table outside host RAM cannot be derived from its location.
  const place = load<i64>(THREAD, S2_PLACE);
  atomic.store<u64>(
    origin,
    config == STE_CONFIG_S1 || place >> 32 != 0 ? 0 : u64(place) - u64(u32(RAM_BASE)),
    ORIGIN_SLOT2,
  );
  atomic.store<u64>(origin, load<u64>(THREAD, S2_NEW), ORIGIN_LEAF2);
  atomic.store<u64>(origin, atomic.load<u64>(entry, TLB_PAGE), ORIGIN_PAGE);
  atomic.store<i64>(origin, atomic.load<i64>(entry, TLB_GEN), ORIGIN_GEN);
}

/**
 * Stores the STE and CD of a configuration that was just read, from THREAD_STE and
 * THREAD_CD, after a miss of the configuration cache.
 * @returns false when the reading led to no entry, because of a fault.
 */
export function rememberConfig(smmu: usize, sid: u32, ssid: u32): bool {
  const entry = configEntry(smmu, sid, ssid);
  if (entry == 0) return false;
  const origin = configOrigin(smmu, entry);
  atomic.store<i32>(origin, 0, ORIGIN_CONFIG_REPORTED);
  for (let i: usize = 0; i < <usize>STE_SIZE; i += 8)
    atomic.store<u64>(origin + i, load<u64>(THREAD + THREAD_STE + i), ORIGIN_STE);
  for (let i: usize = 0; i < <usize>CD_SIZE; i += 8)
    atomic.store<u64>(origin + i, load<u64>(THREAD + THREAD_CD + i), ORIGIN_CD);
  return true;
}

/**
 * True when the origin is that of the configuration `used`: another thread may have
 * inserted the entry, or another one.
 */
export function originFits(origin: usize, used: usize): bool {
  if (
    load<u32>(origin, ORIGIN_STE + 8) != load<u32>(used, CFG_STE2) ||
    load<u32>(origin, ORIGIN_STE + 20) != load<u32>(used, CFG_STE5)
  ) {
    return false;
  }
  const config = load<u32>(used, CFG_CONFIG);
  if (config < <u32>STE_CONFIG_S1 || config == STE_CONFIG_S2) return true;
  return (
    load<u32>(origin, ORIGIN_CD) == load<u32>(used, CFG_CD0) &&
    load<u32>(origin, ORIGIN_CD + 4) == load<u32>(used, CFG_CD1)
  );
}
