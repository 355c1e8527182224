// SPDX-License-Identifier: MIT
// Compares a hit of the IOTLB with a walk of the current tables. An entry may permit less
// than the tables: it may have been made before permissions were added, which needs no
// TLBI. Access flags and the dirty state are left out, as software may change them
// without a TLBI: the walk treats every page as accessed, and a clean page that hardware
// may make dirty as writable.

import { THREAD } from '../imports/unit';
import { CD_AFFD, CD_ENDI } from '../layout/cd';
import {
  CHECK_AT_DROPPED,
  ORIGIN_GEN,
  ORIGIN_LEAF1,
  ORIGIN_LEAF2,
  ORIGIN_PAGE,
  ORIGIN_SLOT1,
  ORIGIN_SLOT2,
  ORIGIN_TLB_REPORTED,
  SMMU_AT_CHECK,
  SUSPECT_ASID_PERM,
  SUSPECT_CONFIG,
  SUSPECT_GEN,
  SUSPECT_KNOWN,
  SUSPECT_META,
  SUSPECT_NEW_PA,
  SUSPECT_NEW_PERM,
  SUSPECT_NEW_SIZE,
  SUSPECT_NOW,
  SUSPECT_OLD,
  SUSPECT_PA,
  SUSPECT_PAGE,
  SUSPECT_SECOND,
  SUSPECT_SHADOW,
  SUSPECT_SLOT,
  SUSPECT_STAGE2,
  SUSPECT_TLB,
} from '../layout/check-memory';
import {
  CFG_CD0,
  CFG_CD1,
  CFG_CONFIG,
  CFG_ENTRY_SIZE,
  CFG_STE5,
} from '../layout/config-cache-memory';
import { EVT_CLASS_IN, EVT_ID, EVT_S2 } from '../layout/events';
import {
  TLB_ALL_GEN,
  TLB_ASET,
  TLB_ASID_PERM,
  TLB_GEN,
  TLB_META,
  TLB_PA,
  TLB_PAGE,
  TLB_PERM_PX,
  TLB_PERM_R,
  TLB_PERM_UNPRIV,
  TLB_PERM_UX,
  TLB_PERM_W,
} from '../layout/iotlb-memory';
import {
  STE_CONFIG_NESTED,
  STE_CONFIG_S1,
  STE_CONFIG_S2,
  STE_S2AFFD,
  STE_S2ENDI,
} from '../layout/ste';
import { THREAD_CFG, THREAD_EVENT, THREAD_IOVA, THREAD_PA } from '../layout/thread-memory';
import { bits, maskOf } from '../lib/fields';
import { noEvent } from '../smmu-core/faults';
import { hasStage1 } from '../smmu-core/walk';
import { S1_OUT, S1_PERM, S1_SIZE, skipStage1, walkStage1 } from '../smmu-core/walk-stage1';
import { S2_OUT, S2_PERM, S2_SIZE, skipStage2, walkStage2 } from '../smmu-core/walk-stage2';
import { descriptorAt } from './descriptor-at';
import { entryInUse, tlbIndex, tlbOrigin } from './origins';
import { begin, hand } from './suspects';

// Walks both stages without permission checks.
function walk(smmu: usize): bool {
  const iova = load<u64>(THREAD, THREAD_IOVA);
  if (!hasStage1()) skipStage1(iova);
  else if (!walkStage1(smmu, smmu, iova, false)) return false;
  const ipa = load<u64>(THREAD, S1_OUT);
  if (load<u32>(THREAD + THREAD_CFG, CFG_CONFIG) != STE_CONFIG_S1)
    return walkStage2(smmu, ipa, EVT_CLASS_IN, false);
  skipStage2(ipa);
  return true;
}

// Reports which leaf descriptor of the entry has changed, stage 1's if both have. Reports
// neither when a table above the leaves has changed.
function describe(smmu: usize, suspect: usize, origin: usize, entry: usize): void {
  const config = load<u32>(THREAD + THREAD_CFG, CFG_CONFIG);
  let stage2 = config == STE_CONFIG_S2;
  const big1 = bits(load<u32>(THREAD + THREAD_CFG, CFG_CD0), CD_ENDI) != 0;
  const big2 = bits(load<u32>(THREAD + THREAD_CFG, CFG_STE5), STE_S2ENDI) != 0;
  if (
    atomic.load<i64>(origin, ORIGIN_GEN) == atomic.load<i64>(entry, TLB_GEN) &&
    load<u64>(origin, ORIGIN_PAGE) == load<u64>(entry, TLB_PAGE)
  ) {
    const slot1 = load<u64>(origin, ORIGIN_SLOT1);
    const leaf1 = load<u64>(origin, ORIGIN_LEAF1);
    const now1 = slot1 == 0 ? leaf1 : descriptorAt(smmu, slot1, config == STE_CONFIG_NESTED, big1);
    const slot2 = load<u64>(origin, ORIGIN_SLOT2);
    const leaf2 = load<u64>(origin, ORIGIN_LEAF2);
    const now2 = slot2 == 0 ? leaf2 : descriptorAt(smmu, slot2, false, big2);
    if (now1 != leaf1 || now2 != leaf2) {
      stage2 = now1 == leaf1;
      store<u32>(suspect, 1, SUSPECT_KNOWN);
      store<u64>(suspect, stage2 ? slot2 : slot1, SUSPECT_SLOT);
      store<u64>(suspect, stage2 ? leaf2 : leaf1, SUSPECT_OLD);
      store<u64>(suspect, stage2 ? now2 : now1, SUSPECT_NOW);
    }
  }
  store<u32>(suspect, u32(stage2), SUSPECT_STAGE2);
}

// Whether an entry permits something that the tables do not. If the tables permit data
// accesses that the entry does not, permissions were added, and that alone may remove
// execution: pages that can be written, or that unprivileged code may use, can lose
// execution (DDI 0487 section D8.4). Execution is lost even where stage 2 forbids the
// write that stage 1 now permits; `given` is therefore what the changed stage permits by
// itself.
function allowsMore(entry: u32, tables: u32, given: u32): bool {
  const more = entry & ~tables;
  const widened = (given & ~entry & (TLB_PERM_R | TLB_PERM_W | TLB_PERM_UNPRIV)) != 0;
  return (widened ? more & ~u32(TLB_PERM_PX | TLB_PERM_UX) : more) != 0;
}

/**
 * Prepares a comparison of cached entries with the tables: sets THREAD_CFG to the
 * configuration of the access, with access flags ignored.
 * @param saved this thread's saved block, with the state after the access.
 */
export function takeConfig(saved: usize): void {
  const cfg = THREAD + THREAD_CFG;
  memory.copy(cfg, saved + THREAD_CFG, CFG_ENTRY_SIZE);
  store<u32>(cfg, load<u32>(cfg, CFG_CD1) | maskOf(CD_AFFD), CFG_CD1);
  store<u32>(cfg, load<u32>(cfg, CFG_STE5) | maskOf(STE_S2AFFD), CFG_STE5);
}

/**
 * Permissions of both stages of the current tables, from the scratch words of the walk.
 */
function permissionsNow(): u32 {
  return load<u32>(THREAD, S1_PERM) & (load<u32>(THREAD, S2_PERM) | TLB_PERM_UNPRIV);
}

/**
 * Walks the current tables for the access. Destroys THREAD_EVENT and the scratch words of
 * the walk.
 * @returns 0 with the walk's result in its scratch words, or the ID of the event.
 */
export function walkAnew(smmu: usize): u32 {
  noEvent();
  return walk(smmu) ? 0 : bits(load<u32>(THREAD, THREAD_EVENT), EVT_ID);
}

/**
 * Whether the walk that `walkAnew` made confirms an entry that leads the access to `pa`.
 */
export function bornOut(entry: usize, pa: u64, outcome: u32): bool {
  return (
    outcome == 0 &&
    load<u64>(THREAD, S2_OUT) == pa &&
    !allowsMore(
      atomic.load<u32>(entry, TLB_ASID_PERM) & ~u32(TLB_ASET) & 0xffff0000,
      permissionsNow(),
      hasStage1() ? load<u32>(THREAD, S1_PERM) : permissionsNow(),
    )
  );
}

/**
 * Like `bornOut`, for an entry of stage 2 alone and an access of both stages whose walk
 * has reached it: the permissions of stage 1 do not matter.
 */
export function stage2BornOut(entry: usize, pa: u64, outcome: u32): bool {
  return (
    outcome == 0 &&
    load<u64>(THREAD, S2_OUT) == pa &&
    !allowsMore(
      atomic.load<u32>(entry, TLB_ASID_PERM) & 0xffff0000,
      load<u32>(THREAD, S2_PERM),
      load<u32>(THREAD, S2_PERM),
    )
  );
}

/**
 * Fills the part of a suspect that describes an entry, in the layout of an IOTLB entry,
 * and the walk.
 * @param generation TLB_GEN of the entry, read while it was known to be the entry in use.
 */
export function describeEntry(suspect: usize, entry: usize, generation: i64): void {
  store<i64>(suspect, generation, SUSPECT_GEN);
  store<i64>(suspect, atomic.load<i64>(entry, TLB_ALL_GEN), SUSPECT_SECOND);
  store<u32>(suspect, atomic.load<u32>(entry, TLB_META), SUSPECT_META);
  store<u32>(suspect, atomic.load<u32>(entry, TLB_ASID_PERM) & ~u32(TLB_ASET), SUSPECT_ASID_PERM);
  store<u64>(suspect, atomic.load<u64>(entry, TLB_PAGE), SUSPECT_PAGE);
  store<u64>(suspect, atomic.load<u64>(entry, TLB_PA), SUSPECT_PA);
  store<u32>(suspect, load<u32>(THREAD + THREAD_CFG, CFG_CONFIG), SUSPECT_CONFIG);
  store<u64>(suspect, load<u64>(THREAD, S2_OUT), SUSPECT_NEW_PA);
  const size = min(load<u32>(THREAD, S1_SIZE), load<u32>(THREAD, S2_SIZE));
  store<u32>(suspect, size, SUSPECT_NEW_SIZE);
  store<u32>(suspect, permissionsNow(), SUSPECT_NEW_PERM);
}

/**
 * Walks the tables for the access in the thread block, and compares the result with the
 * entry that it hit. Destroys THREAD_CFG, THREAD_EVENT and the scratch words of the walk.
 * @param saved this thread's saved block, with the state after the access.
 */
export function compareTranslation(smmu: usize, sid: u32, ssid: u32, saved: usize): void {
  takeConfig(saved);
  const entry = entryInUse(smmu);
  if (entry == 0) {
    atomic.add<i32>(smmu, 1, SMMU_AT_CHECK + CHECK_AT_DROPPED);
    return;
  }
  const outcome = walkAnew(smmu);
  const faultsAtStage2 = outcome != 0 && bits(load<u32>(THREAD, THREAD_EVENT + 12), EVT_S2) != 0;
  if (bornOut(entry, load<u64>(THREAD, THREAD_PA), outcome)) return;

  const origin = tlbOrigin(smmu, entry);
  const generation = atomic.load<i64>(entry, TLB_GEN);
  if (entryInUse(smmu) != entry) {
    atomic.add<i32>(smmu, 1, SMMU_AT_CHECK + CHECK_AT_DROPPED);
    return;
  }
  if (atomic.load<i32>(origin, ORIGIN_TLB_REPORTED)) return;
  const suspect = begin(smmu, SUSPECT_TLB, sid, ssid, tlbIndex(smmu, entry), outcome);
  if (suspect == 0) return;
  store<u32>(suspect, 0, SUSPECT_SHADOW);
  describeEntry(suspect, entry, generation);
  describe(smmu, suspect, origin, entry);
  if (faultsAtStage2) store<u32>(suspect, 1, SUSPECT_STAGE2);
  atomic.store<i32>(origin, 1, ORIGIN_TLB_REPORTED);
  hand(suspect);
}
