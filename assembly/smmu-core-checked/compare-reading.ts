// SPDX-License-Identifier: MIT
// Compares the reading after a miss of the configuration cache, or after a CFGI, with the
// last reading of the same STE and CD. An SMMU may have cached that one, valid or not,
// until a CFGI. It also reads one doubleword at a time, so when two of them change with
// no CFGI in between it may combine the old and the new (IHI 0070 section 3.21.3). The
// host decides which doublewords matter.

import { THREAD } from '../imports/unit';
import { ACCESS_LOOK } from '../layout/access';
import { CD_SIZE } from '../layout/cd';
import {
  SUSPECT_ABORTS,
  SUSPECT_CDS,
  SUSPECT_GEN,
  SUSPECT_KNOWN,
  SUSPECT_NEW_CD,
  SUSPECT_NEW_STE,
  SUSPECT_OLD_CD,
  SUSPECT_OLD_OUTCOME,
  SUSPECT_OLD_STE,
  SUSPECT_READING,
  SUSPECT_READING_NO_CFGI,
  SUSPECT_READING_ONE_CFGI,
  SUSPECT_SECOND,
  SUSPECT_STE,
} from '../layout/check-memory';
import {
  C_BAD_CD,
  C_BAD_STREAMID,
  EVT_ID,
  EVT_S2,
  F_CD_FETCH,
  F_STE_FETCH,
} from '../layout/events';
import {
  CFGI_OF_STE,
  READING_ALL_GEN,
  READING_CD,
  READING_GEN,
  READING_HAS_CD,
  READING_LOCK,
  READING_OUTCOME,
  READING_REPORTED,
  READING_SID,
  READING_SIZE,
  READING_SSID,
  READING_STE,
  READING_VALID,
  READINGS,
  SHADOW_AT_READINGS,
  SMMU_AT_SHADOW,
} from '../layout/shadow-memory';
import { SMMU_AT_ALL_GEN } from '../layout/smmu-memory';
import { STE_SIZE } from '../layout/ste';
import { THREAD_ATTRIBUTES, THREAD_CD, THREAD_EVENT, THREAD_STE } from '../layout/thread-memory';
import { bits } from '../lib/fields';
import { configGeneration } from '../smmu-core/config-cache';
import { readConfig } from '../smmu-core/configure';
import { hasStage1 } from '../smmu-core/walk';
import {
  cfgis,
  changedLevel1,
  describeLevel1,
  forgetLevel1,
  leaveLevel1,
  reportLevel1,
} from './level1-shadow';
import { KEPT, savedBlock, WORKED } from './saved-block';
import { lockSlot, unlockSlot } from './shadow-slots';
import { begin, hand } from './suspects';

/** In place of an outcome that an SMMU does not cache. */
const NOT_CACHED: u32 = u32(-1);

function readingSlot(smmu: usize, index: u32): usize {
  return smmu + SMMU_AT_SHADOW + SHADOW_AT_READINGS + index * READING_SIZE;
}

function indexOf(sid: u32, ssid: u32): u32 {
  return (sid ^ (sid >> 8) ^ ((ssid + 1) << 3)) & (READINGS - 1);
}

function differing(old: usize, now: usize, size: usize): u32 {
  let count: u32 = 0;
  for (let i: usize = 0; i < size; i += 8) count += u32(load<u64>(old + i) != load<u64>(now + i));
  return count;
}

function stesDiffer(slot: usize): u32 {
  return differing(slot + READING_STE, THREAD + THREAD_STE, STE_SIZE);
}

// Whether more than one doubleword has changed, of the STE or of the CD of an unchanged
// STE.
function moreThanOne(slot: usize, hasCd: bool): bool {
  const stes = stesDiffer(slot);
  if (stes != 0 || !hasCd || load<u32>(slot, READING_HAS_CD) == 0) return stes > 1;
  return differing(slot + READING_CD, THREAD + THREAD_CD, CD_SIZE) > 1;
}

function report(
  smmu: usize,
  sid: u32,
  ssid: u32,
  slot: usize,
  kind: u32,
  generation: i64,
  outcome: u32,
  hasCd: bool,
  level1: usize,
): void {
  const suspect = begin(smmu, SUSPECT_STE, sid, ssid, 0, outcome);
  if (suspect == 0) return;
  store<i64>(suspect, generation, SUSPECT_GEN);
  store<i64>(suspect, 0, SUSPECT_SECOND);
  store<u32>(suspect, kind, SUSPECT_READING);
  store<u32>(suspect, load<u32>(slot, READING_OUTCOME), SUSPECT_OLD_OUTCOME);
  store<u32>(suspect, u32(hasCd && load<u32>(slot, READING_HAS_CD) != 0), SUSPECT_CDS);
  store<u32>(suspect, 1, SUSPECT_KNOWN);
  memory.copy(suspect + SUSPECT_OLD_STE, slot + READING_STE, STE_SIZE);
  memory.copy(suspect + SUSPECT_OLD_CD, slot + READING_CD, CD_SIZE);
  memory.copy(suspect + SUSPECT_NEW_STE, THREAD + THREAD_STE, STE_SIZE);
  memory.copy(suspect + SUSPECT_NEW_CD, THREAD + THREAD_CD, CD_SIZE);
  describeLevel1(suspect, level1);
  hand(suspect);
}

function remember(
  smmu: usize,
  sid: u32,
  ssid: u32,
  slot: usize,
  generation: i64,
  outcome: u32,
  hasCd: bool,
): void {
  store<u32>(slot, 1, READING_VALID);
  store<u32>(slot, sid, READING_SID);
  store<u32>(slot, ssid, READING_SSID);
  store<u32>(slot, outcome, READING_OUTCOME);
  store<u32>(slot, u32(hasCd), READING_HAS_CD);
  store<u32>(slot, 0, READING_REPORTED);
  store<i64>(slot, generation, READING_GEN);
  store<i64>(slot, atomic.load<i64>(smmu, SMMU_AT_ALL_GEN), READING_ALL_GEN);
  memory.copy(slot + READING_STE, THREAD + THREAD_STE, STE_SIZE);
  memory.copy(slot + READING_CD, THREAD + THREAD_CD, CD_SIZE);
}

// Reads the configuration from memory. Returns 0 on success, otherwise an event ID or
// SUSPECT_ABORTS.
function readAnew(smmu: usize, sid: u32, ssid: u32): u32 {
  memory.fill(THREAD + THREAD_CD, 0, CD_SIZE);
  if (readConfig(smmu, sid, ssid)) return 0;
  const event = bits(load<u32>(THREAD, THREAD_EVENT), EVT_ID);
  return event == 0 ? SUSPECT_ABORTS : event;
}

// The outcome, or NOT_CACHED for fetches that were aborted, StreamIDs without an STE, and
// faults of stage 2. Reads THREAD_EVENT.
function cached(outcome: u32): u32 {
  if (outcome == 0 || outcome == <u32>SUSPECT_ABORTS) return outcome;
  if (outcome == C_BAD_STREAMID || outcome == F_STE_FETCH || outcome == F_CD_FETCH)
    return NOT_CACHED;
  return bits(load<u32>(THREAD, THREAD_EVENT + 12), EVT_S2) ? NOT_CACHED : outcome;
}

function isOf(slot: usize, sid: u32, ssid: u32): bool {
  return (
    load<u32>(slot, READING_VALID) != 0 &&
    load<u32>(slot, READING_SID) == sid &&
    load<u32>(slot, READING_SSID) == ssid
  );
}

function endsInCd(outcome: u32): bool {
  return outcome == C_BAD_CD || (outcome == 0 && hasStage1());
}

/**
 * Compares the configuration with its last reading, after a miss of the configuration
 * cache. Destroys THREAD_CFG, THREAD_STE, THREAD_CD and THREAD_EVENT.
 */
export function compareReading(smmu: usize, sid: u32, ssid: u32): void {
  const slot = readingSlot(smmu, indexOf(sid, ssid));
  if (!lockSlot(slot + READING_LOCK)) return;
  const commands = cfgis(smmu);
  const generation = configGeneration(smmu, sid);
  const result = readAnew(smmu, sid, ssid);
  const outcome = cached(result);
  const level1 = changedLevel1(smmu, sid, ssid, result, commands);
  let reported = false;
  if (outcome == NOT_CACHED || configGeneration(smmu, sid) != generation) {
    store<u32>(slot, 0, READING_VALID);
  } else {
    const hasCd = endsInCd(outcome);
    // The first reading after a CFGI is authoritative until the next CFGI.
    const current: bool =
      isOf(slot, sid, ssid) &&
      load<i64>(slot, READING_GEN) == generation &&
      load<i64>(slot, READING_ALL_GEN) == atomic.load<i64>(smmu, SMMU_AT_ALL_GEN);
    const before = load<u32>(slot, READING_OUTCOME);
    if (!current) {
      remember(smmu, sid, ssid, slot, generation, outcome, hasCd);
    } else if (
      before != 0 &&
      before != outcome &&
      (outcome == 0 || outcome == <u32>SUSPECT_ABORTS) &&
      load<u32>(slot, READING_REPORTED) == 0
    ) {
      report(smmu, sid, ssid, slot, SUSPECT_READING_NO_CFGI, generation, outcome, hasCd, level1);
      store<u32>(slot, 1, READING_REPORTED);
      reported = true;
    }
  }
  // A missing CFGI is reported once.
  if (level1 != 0 && !reported) reportLevel1(smmu, sid, ssid, level1, result);
  leaveLevel1(level1);
  unlockSlot(slot + READING_LOCK);
}

// Compares a remembered reading that a CFGI names with the current one. The slot is
// locked.
function reread(smmu: usize, kind: u32, slot: usize): void {
  const sid = load<u32>(slot, READING_SID);
  const ssid = load<u32>(slot, READING_SSID);
  const generation = configGeneration(smmu, sid);
  const outcome = cached(readAnew(smmu, sid, ssid));
  if (outcome == NOT_CACHED) {
    store<u32>(slot, 0, READING_VALID);
    return;
  }
  if (kind != CFGI_OF_STE && stesDiffer(slot) != 0) {
    // No CFGI has named the STE.
    store<i64>(slot, generation, READING_GEN);
    return;
  }
  const hasCd = endsInCd(outcome);
  if (
    moreThanOne(slot, hasCd) &&
    load<i64>(slot, READING_ALL_GEN) == atomic.load<i64>(smmu, SMMU_AT_ALL_GEN)
  )
    report(smmu, sid, ssid, slot, SUSPECT_READING_ONE_CFGI, generation, outcome, hasCd, 0);
  remember(smmu, sid, ssid, slot, generation, outcome, hasCd);
}

/** Like `judgeCfgi` of imports/core.ts. Leaves the thread block unchanged. */
export function judgeCfgi(
  smmu: usize,
  kind: u32,
  sid: u32,
  range: u32,
  ssid: u32,
  leaf: u32,
): void {
  const first: u32 = range > 31 ? 0 : (sid >> range) << range;
  const last: u32 = range > 31 ? u32(-1) : first + (((<u32>1) << range) - 1);
  forgetLevel1(smmu, kind, first, last, ssid, leaf);
  const saved = savedBlock(smmu);
  memory.copy(saved + KEPT, THREAD + KEPT, WORKED);
  store<u32>(THREAD, ACCESS_LOOK, THREAD_ATTRIBUTES);
  for (let index: u32 = 0; index < <u32>READINGS; index++) {
    const slot = readingSlot(smmu, index);
    const stream = load<u32>(slot, READING_SID);
    if (load<u32>(slot, READING_VALID) == 0 || stream < first || stream > last) continue;
    if (!lockSlot(slot + READING_LOCK)) continue;
    reread(smmu, kind, slot);
    unlockSlot(slot + READING_LOCK);
  }
  memory.copy(THREAD + KEPT, saved + KEPT, WORKED);
}
