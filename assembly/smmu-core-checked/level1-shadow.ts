// SPDX-License-Identifier: MIT
// Level-1 descriptors of stream tables and CD tables, as an SMMU may have cached them: a
// CFGI with Leaf = 1 does not invalidate them (IHI 0070 sections 4.3.1, 4.3.3, 5.1.1,
// 5.3.1). Those of CD tables are tracked whether valid or not, those of stream tables
// only when valid: Linux makes one valid without a command.

import { THREAD } from '../imports/unit';
import { L1CD_V } from '../layout/cd';
import {
  SUSPECT_CD,
  SUSPECT_CDS,
  SUSPECT_GEN,
  SUSPECT_LEVEL1,
  SUSPECT_LEVEL1_ADDRESS,
  SUSPECT_LEVEL1_NOW,
  SUSPECT_LEVEL1_OLD,
  SUSPECT_OLD_OUTCOME,
  SUSPECT_READING,
  SUSPECT_READING_LEVEL1,
  SUSPECT_SECOND,
  SUSPECT_STE,
} from '../layout/check-memory';
import { CFG_CONFIG, CFG_NO_SSID } from '../layout/config-cache-memory';
import { C_BAD_CD, C_BAD_SUBSTREAMID } from '../layout/events';
import {
  CFGI_OF_CD,
  CFGI_OF_STE,
  LEVEL1_ADDRESS,
  LEVEL1_ALL_GEN,
  LEVEL1_BITS,
  LEVEL1_KIND,
  LEVEL1_LOCK,
  LEVEL1_NOW,
  LEVEL1_OF_CDS,
  LEVEL1_OF_STES,
  LEVEL1_REPORTED,
  LEVEL1_SID,
  LEVEL1_SIZE,
  LEVEL1_SLOTS,
  LEVEL1_SSID,
  LEVEL1_VALUE,
  SHADOW_AT_CFGIS,
  SHADOW_AT_LEVEL1,
  SMMU_AT_SHADOW,
} from '../layout/shadow-memory';
import { SMMU_AT_ALL_GEN, SMMU_AT_STRTAB_CFG } from '../layout/smmu-memory';
import { L1STD_SIZE, L1STD_SPAN, STE_CONFIG_NESTED, STE_S1FMT_LINEAR } from '../layout/ste';
import { THREAD_CFG } from '../layout/thread-memory';
import { bits } from '../lib/fields';
import { cdLeafBits, level1OfCd, level1OfStream, splitBits } from '../smmu-core/configure';
import { alignedDown } from '../smmu-core/geometry';
import { cdTableFormat, substreamBits } from '../smmu-core/legality';
import { loadAt, locate, NOWHERE } from '../smmu-core/physical-memory';
import { hasStage1 } from '../smmu-core/walk';
import { descriptorAt } from './descriptor-at';
import { lockSlot, unlockSlot } from './shadow-slots';
import { begin, hand } from './suspects';

/** Address bits of a level-1 descriptor. */
const ADDRESS: u64 = 0x000fffffffffffff;

function level1Slot(smmu: usize, index: u32): usize {
  return smmu + SMMU_AT_SHADOW + SHADOW_AT_LEVEL1 + index * LEVEL1_SIZE;
}

function indexOf(kind: u32, sid: u32, ssid: u32): u32 {
  // Adjacent streams often have adjacent CD tables, so each value has a factor of its
  // own.
  const hash = ((sid * 0x9e3779b1) ^ ((ssid >> 6) * 0x85ebca6b)) * 0xc2b2ae35 + kind;
  return (hash >> 16) & (LEVEL1_SLOTS - 1);
}

/**
 * The count of CFGI commands. Sample it before reading structures that will be
 * remembered.
 */
export function cfgis(smmu: usize): i64 {
  return atomic.load<i64>(smmu, SMMU_AT_SHADOW + SHADOW_AT_CFGIS);
}

// The part of a descriptor that an SMMU uses.
function meaningOf(kind: u32, bitsCovered: u32, descriptor: u64): u64 {
  if (kind == LEVEL1_OF_CDS) {
    if (!bits(u32(descriptor), L1CD_V)) return 0;
    return alignedDown(descriptor & ADDRESS, bitsCovered + 6) | 1;
  }
  const span = bits(u32(descriptor), L1STD_SPAN);
  if (span == 0 || span > bitsCovered + 1) return 0;
  return alignedDown(descriptor & ADDRESS, span + 5) | u64(span);
}

// Compares a descriptor with the one remembered in its slot, and remembers it if the slot
// is for another table. True when it has changed: LEVEL1_NOW is then the new value, and
// the slot stays locked.
function compare(
  smmu: usize,
  slot: usize,
  kind: u32,
  sid: u32,
  ssid: u32,
  covered: u32,
  address: u64,
  descriptor: u64,
  before: i64,
): bool {
  if (!lockSlot(slot + LEVEL1_LOCK)) return false;
  const allGeneration = atomic.load<i64>(smmu, SMMU_AT_ALL_GEN);
  if (
    atomic.load<u32>(slot, LEVEL1_KIND) == kind &&
    load<u32>(slot, LEVEL1_SID) == sid &&
    load<u32>(slot, LEVEL1_SSID) == ssid &&
    load<u32>(slot, LEVEL1_BITS) == covered &&
    load<u64>(slot, LEVEL1_ADDRESS) == address &&
    load<i64>(slot, LEVEL1_ALL_GEN) == allGeneration
  ) {
    const was = meaningOf(kind, covered, load<u64>(slot, LEVEL1_VALUE));
    if (was != meaningOf(kind, covered, descriptor)) {
      store<u64>(slot, descriptor, LEVEL1_NOW);
      return true;
    }
  } else {
    atomic.store<u32>(slot, 0, LEVEL1_KIND);
    if (kind == LEVEL1_OF_CDS || meaningOf(kind, covered, descriptor) != 0) {
      store<u32>(slot, sid, LEVEL1_SID);
      store<u32>(slot, ssid, LEVEL1_SSID);
      store<u32>(slot, covered, LEVEL1_BITS);
      store<u32>(slot, 0, LEVEL1_REPORTED);
      store<u64>(slot, address, LEVEL1_ADDRESS);
      store<u64>(slot, descriptor, LEVEL1_VALUE);
      store<i64>(slot, allGeneration, LEVEL1_ALL_GEN);
      atomic.store<u32>(slot, kind, LEVEL1_KIND);
      // Either the CFGI has seen the slot, or the count shows the CFGI here.
      if (cfgis(smmu) != before) atomic.store<u32>(slot, 0, LEVEL1_KIND);
    }
  }
  unlockSlot(slot + LEVEL1_LOCK);
  return false;
}

// Whether reading the configuration has reached the level-1 descriptor of its CD and
// could read it.
function cameToLevel1Cd(smmu: usize, ssid: u32, outcome: u32): bool {
  if (cdTableFormat(smmu) == STE_S1FMT_LINEAR) return false;
  if (outcome == 0) return hasStage1();
  if (outcome == C_BAD_CD) return true;
  return outcome == C_BAD_SUBSTREAMID && hasStage1() && ssid >> substreamBits(smmu) == 0;
}

/**
 * Compares the level-1 descriptors that `readConfig` used with those that an SMMU may
 * have cached. Destroys THREAD_EVENT and the set of table addresses.
 * @param outcome 0 or the event's ID.
 * @param before `cfgis` before the reading.
 * @returns the locked slot of the first that has changed, for the caller to pass to
 *   `leaveLevel1`; 0 for none.
 */
export function changedLevel1(smmu: usize, sid: u32, ssid: u32, outcome: u32, before: i64): usize {
  const split = splitBits(smmu, atomic.load<u32>(smmu, SMMU_AT_STRTAB_CFG));
  if (split != 0) {
    const address = level1OfStream(smmu, sid, split);
    const place = locate(address, L1STD_SIZE);
    if (place == NOWHERE) return 0;
    const first = (sid >> split) << split;
    const slot = level1Slot(smmu, indexOf(LEVEL1_OF_STES, first, 0));
    if (compare(smmu, slot, LEVEL1_OF_STES, first, 0, split, address, loadAt(place), before))
      return slot;
  }
  const index: u32 = ssid == u32(CFG_NO_SSID) ? 0 : ssid;
  if (!cameToLevel1Cd(smmu, index, outcome)) return 0;
  const covered = cdLeafBits(cdTableFormat(smmu));
  const address = level1OfCd(index, covered);
  const nested = load<u32>(THREAD + THREAD_CFG, CFG_CONFIG) == STE_CONFIG_NESTED;
  const descriptor = descriptorAt(smmu, address, nested, false);
  const first = (index >> covered) << covered;
  const slot = level1Slot(smmu, indexOf(LEVEL1_OF_CDS, sid, first));
  return compare(smmu, slot, LEVEL1_OF_CDS, sid, first, covered, address, descriptor, before)
    ? slot
    : 0;
}

/** Releases a slot that `changedLevel1` has returned. 0 stands for none. */
export function leaveLevel1(slot: usize): void {
  if (slot != 0) unlockSlot(slot + LEVEL1_LOCK);
}

/** Adds a changed level-1 descriptor to a suspect. 0 stands for none. */
export function describeLevel1(suspect: usize, slot: usize): void {
  store<u32>(suspect, slot == 0 ? 0 : load<u32>(slot, LEVEL1_KIND), SUSPECT_LEVEL1);
  if (slot == 0) return;
  store<u64>(suspect, load<u64>(slot, LEVEL1_ADDRESS), SUSPECT_LEVEL1_ADDRESS);
  store<u64>(suspect, load<u64>(slot, LEVEL1_VALUE), SUSPECT_LEVEL1_OLD);
  store<u64>(suspect, load<u64>(slot, LEVEL1_NOW), SUSPECT_LEVEL1_NOW);
}

/** Reports a changed level-1 descriptor, once. */
export function reportLevel1(smmu: usize, sid: u32, ssid: u32, slot: usize, outcome: u32): void {
  const kind = load<u32>(slot, LEVEL1_KIND);
  // A CFGI may have arrived in the meantime.
  if (kind == 0 || load<u32>(slot, LEVEL1_REPORTED) != 0) return;
  const index = u32((slot - level1Slot(smmu, 0)) / LEVEL1_SIZE);
  const what = kind == LEVEL1_OF_CDS ? u32(SUSPECT_CD) : u32(SUSPECT_STE);
  const suspect = begin(smmu, what, sid, ssid, index, outcome);
  if (suspect == 0) return;
  store<i64>(suspect, load<i64>(slot, LEVEL1_ALL_GEN), SUSPECT_GEN);
  store<i64>(suspect, i64(load<u32>(slot, LEVEL1_SID)), SUSPECT_SECOND);
  store<u32>(suspect, SUSPECT_READING_LEVEL1, SUSPECT_READING);
  store<u32>(suspect, 0, SUSPECT_OLD_OUTCOME);
  store<u32>(suspect, 0, SUSPECT_CDS);
  describeLevel1(suspect, slot);
  store<u32>(slot, 1, LEVEL1_REPORTED);
  hand(suspect);
}

/**
 * Forgets the level-1 descriptors that a CFGI invalidates. The parameters are those of
 * `judgeCfgi`.
 */
export function forgetLevel1(
  smmu: usize,
  kind: u32,
  first: u32,
  last: u32,
  ssid: u32,
  leaf: u32,
): void {
  atomic.add<i64>(smmu, 1, SMMU_AT_SHADOW + SHADOW_AT_CFGIS);
  for (let index: u32 = 0; index < <u32>LEVEL1_SLOTS; index++) {
    const slot = level1Slot(smmu, index);
    const table = atomic.load<u32>(slot, LEVEL1_KIND);
    if (table == 0) continue;
    const sid = load<u32>(slot, LEVEL1_SID);
    const covered = load<u32>(slot, LEVEL1_BITS);
    if (table == LEVEL1_OF_STES) {
      const end = sid + (((<u32>1) << covered) - 1);
      if (kind != CFGI_OF_STE || leaf != 0 || last < sid || first > end) continue;
    } else {
      if (sid < first || sid > last) continue;
      const named = ssid >> covered == load<u32>(slot, LEVEL1_SSID) >> covered;
      if (kind == CFGI_OF_CD && (leaf != 0 || !named)) continue;
    }
    atomic.store<u32>(slot, 0, LEVEL1_KIND);
  }
}
