// SPDX-License-Identifier: MIT
// Compares a miss of the IOTLB with the entries that an SMMU may have cached
// nevertheless: a leaf that leads elsewhere, or a table that has been replaced or
// removed.

import { THREAD } from '../imports/unit';
import { CD_ENDI } from '../layout/cd';
import {
  SUSPECT_KNOWN,
  SUSPECT_NOW,
  SUSPECT_OLD,
  SUSPECT_SHADOW,
  SUSPECT_SHADOW_LEAF,
  SUSPECT_SHADOW_TABLE,
  SUSPECT_SLOT,
  SUSPECT_STAGE2,
  SUSPECT_TLB,
} from '../layout/check-memory';
import {
  CFG_ASID,
  CFG_CD0,
  CFG_CONFIG,
  CFG_DS,
  CFG_DS_STAGE1,
  CFG_DS_STAGE2,
  CFG_HAD,
  CFG_STE5,
  CFG_VMID,
} from '../layout/config-cache-memory';
import { PTE_TYPE } from '../layout/descriptors';
import { EVT_CLASS, EVT_CLASS_IN, EVT_S2 } from '../layout/events';
import {
  TLB_ASID_PERM,
  TLB_GEN,
  TLB_META,
  TLB_META_GLOBAL,
  TLB_META_SIZE,
  TLB_PA,
  TLB_PAGE,
} from '../layout/iotlb-memory';
import {
  SHADOW_DESCRIPTOR,
  SHADOW_GRANULE,
  SHADOW_IS_TABLE,
  SHADOW_LOCK,
  SHADOW_REPORTED,
  SHADOW_SLOT,
  SHADOW_WAYS,
} from '../layout/shadow-memory';
import { STE_CONFIG_BYPASS, STE_CONFIG_NESTED, STE_CONFIG_S2, STE_S2ENDI } from '../layout/ste';
import { THREAD_CFG, THREAD_EVENT, THREAD_IOVA } from '../layout/thread-memory';
import { bits, maskOf } from '../lib/fields';
import { addressOf } from '../smmu-core/geometry';
import { canonical } from '../smmu-core/invalidate';
import { metaOf, ofAddressSpace } from '../smmu-core/iotlb';
import { tagRefused } from '../smmu-core/translate';
import { S1_OUT } from '../smmu-core/walk-stage1';
import { bornOut, describeEntry, stage2BornOut, takeConfig, walkAnew } from './compare-translation';
import { descriptorAt } from './descriptor-at';
import {
  lockSlot,
  shadowAlive,
  shadowEntry,
  shadowSet,
  shadowSizes,
  unlockSlot,
} from './shadow-slots';
import { begin, hand } from './suspects';

/**
 * PXNTable, UXNTable and APTable: permissions that a table removes from the leaves below
 * it (DDI 0487 section D8.3).
 */
const HIERARCHY: u64 = 0x7800000000000000;

// Whether a table descriptor leads elsewhere, or permits less. Ignored fields make no
// difference, nor do added permissions. @param upper the address is one of TTB1.
function tableChanged(
  smmu: usize,
  entry: usize,
  old: u64,
  now: u64,
  stage2: bool,
  upper: bool,
): bool {
  if (bits(u32(now ^ old), PTE_TYPE) != 0) return true;
  const cfg = THREAD + THREAD_CFG;
  const granule = load<u32>(entry, SHADOW_GRANULE);
  const wide = load<u32>(cfg, CFG_DS) & (stage2 ? CFG_DS_STAGE2 : CFG_DS_STAGE1);
  const lpa2 = granule != 16 && wide != 0;
  const before = addressOf(smmu, old, granule, granule, lpa2);
  if (addressOf(smmu, now, granule, granule, lpa2) != before) return true;
  if (stage2 || ((load<u32>(cfg, CFG_HAD) >> u32(upper)) & 1) != 0) return false;
  return (now & ~old & HIERARCHY) != 0;
}

function hasAddress(entry: usize, meta: u32, input: u64, stage2: bool): bool {
  const vmid = load<u32>(THREAD + THREAD_CFG, CFG_VMID);
  const size = bits(meta, TLB_META_SIZE);
  if ((meta & ~maskOf(TLB_META_GLOBAL)) != metaOf(vmid, size, stage2)) return false;
  if (atomic.load<u64>(entry, TLB_PAGE) != input >> u64(size)) return false;
  const asid = load<u32>(THREAD + THREAD_CFG, CFG_ASID);
  return stage2 || ofAddressSpace(meta, atomic.load<u32>(entry, TLB_ASID_PERM), asid);
}

// Whether the walk, with its outcome, confirms a cached leaf. A stage-2 leaf under stage
// 1 is compared with the stage-2 half of the walk alone.
function leafBornOut(entry: usize, input: u64, meta: u32, outcome: u32, stage2: bool): bool {
  const inPage = (u64(1) << u64(bits(meta, TLB_META_SIZE))) - 1;
  const pa = atomic.load<u64>(entry, TLB_PA) | (input & inPage);
  const alone = load<u32>(THREAD + THREAD_CFG, CFG_CONFIG) == STE_CONFIG_S2;
  return stage2 && !alone ? stage2BornOut(entry, pa, outcome) : bornOut(entry, pa, outcome);
}

// Judges one entry, whose slot is locked. `outcome` is that of the walk.
function judge(
  smmu: usize,
  sid: u32,
  ssid: u32,
  index: u32,
  input: u64,
  stage2: bool,
  outcome: u32,
): void {
  const entry = shadowEntry(smmu, index);
  const config = load<u32>(THREAD + THREAD_CFG, CFG_CONFIG);
  const meta = atomic.load<u32>(entry, TLB_META);
  if (meta == 0 || !hasAddress(entry, meta, input, stage2)) return;
  if (!shadowAlive(smmu, entry, meta)) return;
  const isTable = atomic.load<u32>(entry, SHADOW_IS_TABLE) != 0;
  const slot = atomic.load<u64>(entry, SHADOW_SLOT);
  const old = atomic.load<u64>(entry, SHADOW_DESCRIPTOR);
  const faultsAtStage2 = outcome != 0 && bits(load<u32>(THREAD, THREAD_EVENT + 12), EVT_S2) != 0;
  if (!isTable && leafBornOut(entry, input, meta, outcome, stage2)) return;
  const big = stage2
    ? bits(load<u32>(THREAD + THREAD_CFG, CFG_STE5), STE_S2ENDI) != 0
    : bits(load<u32>(THREAD + THREAD_CFG, CFG_CD0), CD_ENDI) != 0;
  const nested = !stage2 && config == STE_CONFIG_NESTED;
  const now = slot == 0 ? old : descriptorAt(smmu, slot, nested, big);
  if (isTable && !tableChanged(smmu, entry, old, now, stage2, i64(input) < 0)) return;
  const suspect = begin(smmu, SUSPECT_TLB, sid, ssid, index, outcome);
  if (suspect == 0) return;
  describeEntry(suspect, entry, atomic.load<i64>(entry, TLB_GEN));
  store<u32>(suspect, isTable ? SUSPECT_SHADOW_TABLE : SUSPECT_SHADOW_LEAF, SUSPECT_SHADOW);
  store<u32>(suspect, u32(now != old), SUSPECT_KNOWN);
  store<u64>(suspect, slot, SUSPECT_SLOT);
  store<u64>(suspect, old, SUSPECT_OLD);
  store<u64>(suspect, now, SUSPECT_NOW);
  const of2: bool = stage2 || (faultsAtStage2 && now == old);
  store<u32>(suspect, u32(of2), SUSPECT_STAGE2);
  atomic.store<u32>(entry, 1, SHADOW_REPORTED);
  hand(suspect);
}

// Judges the entries for an address among the leaves or among the tables.
function judgeHalf(
  smmu: usize,
  sid: u32,
  ssid: u32,
  input: u64,
  stage2: bool,
  isTable: bool,
  outcome: u32,
): void {
  const vmid = load<u32>(THREAD + THREAD_CFG, CFG_VMID);
  const event0 = v128.load(THREAD, THREAD_EVENT);
  const event1 = v128.load(THREAD, THREAD_EVENT + 16);
  for (let sizes = shadowSizes(smmu, isTable); sizes != 0; sizes &= sizes - 1) {
    const size = ctz(sizes);
    const first = shadowSet(vmid, input >> size, u32(size), isTable);
    for (let index = first; index < first + SHADOW_WAYS; index++) {
      const entry = shadowEntry(smmu, index);
      const meta = atomic.load<u32>(entry, TLB_META);
      if (meta == 0 || atomic.load<u32>(entry, SHADOW_REPORTED) != 0) continue;
      if (!hasAddress(entry, meta, input, stage2)) continue;
      if (!lockSlot(entry + SHADOW_LOCK)) continue;
      judge(smmu, sid, ssid, index, input, stage2, outcome);
      unlockSlot(entry + SHADOW_LOCK);
      // Reading a descriptor through stage 2 preserves the scratch words of the walk, but
      // not its event.
      v128.store(THREAD, event0, THREAD_EVENT);
      v128.store(THREAD, event1, THREAD_EVENT + 16);
    }
  }
}

/**
 * Compares the shadow with the tables, after a miss of the IOTLB. Destroys THREAD_CFG,
 * THREAD_EVENT and the scratch words of the walk.
 * @param saved this thread's saved block, with the state after the access.
 */
export function compareShadow(smmu: usize, sid: u32, ssid: u32, saved: usize): void {
  takeConfig(saved);
  const config = load<u32>(THREAD + THREAD_CFG, CFG_CONFIG);
  if (config <= <u32>STE_CONFIG_BYPASS) return;
  const iova = load<u64>(THREAD, THREAD_IOVA);
  const stage2 = config == STE_CONFIG_S2;
  const input = stage2 ? iova : canonical(iova);
  if (!stage2 && tagRefused(iova, input)) return;
  const outcome = walkAnew(smmu);
  judgeHalf(smmu, sid, ssid, input, stage2, false, outcome);
  judgeHalf(smmu, sid, ssid, input, stage2, true, outcome);
  if (config != STE_CONFIG_NESTED || !cameToStage2(outcome)) return;
  const ipa = load<u64>(THREAD, S1_OUT);
  judgeHalf(smmu, sid, ssid, ipa, true, false, outcome);
  judgeHalf(smmu, sid, ssid, ipa, true, true, outcome);
}

// Whether the walk has reached stage 2, with the IPA of the access in S1_OUT.
function cameToStage2(outcome: u32): bool {
  if (outcome == 0) return true;
  const word = load<u32>(THREAD, THREAD_EVENT + 12);
  return bits(word, EVT_S2) != 0 && bits(word, EVT_CLASS) == EVT_CLASS_IN;
}
