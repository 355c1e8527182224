// SPDX-License-Identifier: MIT
// Compares a hit of the configuration cache with the STE and CD in memory. It compares
// their effect on the model: bits that the STE's Config does not use, memory attributes
// and bits reserved for software make no difference.

import { THREAD } from '../imports/unit';
import {
  CD_A,
  CD_AFFD,
  CD_EPD0,
  CD_EPD1,
  CD_HA,
  CD_HD,
  CD_IPS,
  CD_PAN,
  CD_R,
  CD_S,
  CD_SIZE,
  CD_T0SZ,
  CD_T1SZ,
  CD_TBI0,
  CD_TBI1,
  CD_TG0,
  CD_TG1,
  CD_UWXN,
  CD_WXN,
} from '../layout/cd';
import {
  CHECK_AT_DROPPED,
  ORIGIN_CD,
  ORIGIN_CONFIG_REPORTED,
  ORIGIN_STE,
  SMMU_AT_CHECK,
  SUSPECT_ABORTS,
  SUSPECT_CD,
  SUSPECT_GEN,
  SUSPECT_KNOWN,
  SUSPECT_NEW_CD,
  SUSPECT_NEW_STE,
  SUSPECT_OLD_CD,
  SUSPECT_OLD_STE,
  SUSPECT_READING,
  SUSPECT_SECOND,
  SUSPECT_STE,
} from '../layout/check-memory';
import {
  CFG_ASID,
  CFG_CD0,
  CFG_CD1,
  CFG_CONFIG,
  CFG_DS,
  CFG_DS_S2SL0_2,
  CFG_DS_STAGE1,
  CFG_DS_STAGE2,
  CFG_HAD,
  CFG_S2TTB,
  CFG_STE2,
  CFG_STE5,
  CFG_TTB0,
  CFG_TTB1,
  CFG_VMID,
} from '../layout/config-cache-memory';
import { C_BAD_CD, C_BAD_SUBSTREAMID, EVT_ID, EVT_S2, F_CD_FETCH } from '../layout/events';
import {
  STE_CONFIG_BYPASS,
  STE_CONFIG_S1,
  STE_CONFIG_S2,
  STE_EATS,
  STE_MEV,
  STE_S1CDMAX,
  STE_S2AFFD,
  STE_S2HA,
  STE_S2HD,
  STE_S2PS,
  STE_S2R,
  STE_S2S,
  STE_S2SL0,
  STE_S2T0SZ,
  STE_S2TG,
  STE_SIZE,
} from '../layout/ste';
import { THREAD_CD, THREAD_CFG, THREAD_EVENT, THREAD_STE } from '../layout/thread-memory';
import { bits, fieldAt, maskOf } from '../lib/fields';
import { configEntry, configGeneration, configSequence } from '../smmu-core/config-cache';
import { readConfig } from '../smmu-core/configure';
import { cfgis, changedLevel1, describeLevel1, leaveLevel1 } from './level1-shadow';
import { configIndex, configOrigin, originFits } from './origins';
import { begin, hand } from './suspects';

/** Fields of an STE that select its CD: all of doubleword 0, and S1DSS. */
const S1DSS: u64 = 3;

function differs(used: usize, field: usize, mask: u32): bool {
  return ((load<u32>(used + field) ^ load<u32>(THREAD + THREAD_CFG + field)) & mask) != 0;
}

function differs64(used: usize, field: usize): bool {
  return load<u64>(used + field) != load<u64>(THREAD + THREAD_CFG + field);
}

function steDiffers(used: usize): bool {
  if (differs(used, CFG_CONFIG, u32(-1))) return true;
  const config = load<u32>(used, CFG_CONFIG);
  if (config == STE_CONFIG_BYPASS) return false;
  if (
    differs(used, CFG_VMID, u32(-1)) ||
    differs(used, CFG_STE2, maskOf(STE_MEV) | maskOf(STE_EATS))
  )
    return true;
  if (config == STE_CONFIG_S1) return false;
  const sizes = maskOf(STE_S2T0SZ) | maskOf(STE_S2SL0) | maskOf(STE_S2TG) | maskOf(STE_S2PS);
  const behaviour =
    maskOf(STE_S2AFFD) | maskOf(STE_S2HD) | maskOf(STE_S2HA) | maskOf(STE_S2S) | maskOf(STE_S2R);
  const ds: u32 = CFG_DS_STAGE2 | CFG_DS_S2SL0_2;
  return (
    differs(used, CFG_STE5, sizes | behaviour) ||
    differs(used, CFG_DS, ds) ||
    differs64(used, CFG_S2TTB)
  );
}

// Compares one half of the input range. In a disabled half nothing else matters.
function halfDiffers(used: usize, epd: i32, fields: u32, ttb: usize): bool {
  if (differs(used, CFG_CD0, maskOf(epd))) return true;
  return (
    !bits(load<u32>(used, CFG_CD0), epd) && (differs(used, CFG_CD0, fields) || differs64(used, ttb))
  );
}

function cdDiffers(used: usize): bool {
  const config = load<u32>(used, CFG_CONFIG);
  if (config == STE_CONFIG_BYPASS || config == STE_CONFIG_S2) return false;
  if (
    differs(used, CFG_ASID, u32(-1)) ||
    differs(used, CFG_HAD, u32(-1)) ||
    differs(used, CFG_DS, CFG_DS_STAGE1)
  )
    return true;
  const rights =
    maskOf(CD_WXN) |
    maskOf(CD_UWXN) |
    maskOf(CD_PAN) |
    maskOf(CD_AFFD) |
    maskOf(CD_HA) |
    maskOf(CD_HD);
  const rest =
    maskOf(CD_IPS) | maskOf(CD_TBI0) | maskOf(CD_TBI1) | maskOf(CD_S) | maskOf(CD_R) | maskOf(CD_A);
  if (differs(used, CFG_CD1, rights | rest)) return true;
  if (halfDiffers(used, CD_EPD0, maskOf(CD_T0SZ) | maskOf(CD_TG0), CFG_TTB0)) return true;
  return halfDiffers(used, CD_EPD1, maskOf(CD_T1SZ) | maskOf(CD_TG1), CFG_TTB1);
}

// Whether a configuration that cannot be read fails at its CD, after the STE was read.
function failsAtCd(outcome: u32, ssid: u32): bool {
  if (outcome == C_BAD_CD || outcome == F_CD_FETCH) return true;
  return outcome == C_BAD_SUBSTREAMID && ssid >> fieldAt(THREAD + THREAD_STE, STE_S1CDMAX) == 0;
}

// What has changed: the CD alone, unless the STE has another meaning or selects another
// CD.
function kindOf(used: usize, origin: usize, known: bool, outcome: u32, ssid: u32): u32 {
  if (known) {
    const word0 = load<u64>(origin, ORIGIN_STE) != load<u64>(THREAD, THREAD_STE);
    const word1 =
      ((load<u64>(origin, ORIGIN_STE + 8) ^ load<u64>(THREAD, THREAD_STE + 8)) & S1DSS) != 0;
    if (word0 || word1) return SUSPECT_STE;
  }
  if (outcome != 0) return failsAtCd(outcome, ssid) ? SUSPECT_CD : SUSPECT_STE;
  return steDiffers(used) ? SUSPECT_STE : SUSPECT_CD;
}

/**
 * Reads a stream's configuration from memory (`readConfig`) and compares it with the
 * cached one that the access used, in `saved`.
 * @returns false when the cached configuration is stale.
 */
export function compareConfig(smmu: usize, sid: u32, ssid: u32, saved: usize): bool {
  const used = saved + THREAD_CFG;
  const entry = configEntry(smmu, sid, ssid);
  const generation = configGeneration(smmu, sid);
  const sequence = configSequence(smmu, sid);
  const commands = cfgis(smmu);
  const read = readConfig(smmu, sid, ssid);
  if (read && !steDiffers(used) && !cdDiffers(used)) return true;
  const event = bits(load<u32>(THREAD, THREAD_EVENT), EVT_ID);
  const outcome: u32 = read ? 0 : event == 0 ? SUSPECT_ABORTS : event;
  // The stage-2 translation of a CD's address is not part of the configuration: changing
  // it needs a TLBI, and the cached CD may be used until a CFGI.
  if (!read && event != 0 && bits(load<u32>(THREAD, THREAD_EVENT + 12), EVT_S2)) return true;
  if (
    entry == 0 ||
    configGeneration(smmu, sid) != generation ||
    configEntry(smmu, sid, ssid) != entry
  ) {
    atomic.add<i32>(smmu, 1, SMMU_AT_CHECK + CHECK_AT_DROPPED);
    return false;
  }
  const origin = configOrigin(smmu, entry);
  if (atomic.load<i32>(origin, ORIGIN_CONFIG_REPORTED)) return false;
  const known = originFits(origin, used);
  const suspect = begin(
    smmu,
    kindOf(used, origin, known, outcome, ssid),
    sid,
    ssid,
    configIndex(smmu, entry),
    outcome,
  );
  if (suspect == 0) return false;
  store<i64>(suspect, generation, SUSPECT_GEN);
  store<i64>(suspect, i64(sequence), SUSPECT_SECOND);
  store<u32>(suspect, 0, SUSPECT_READING);
  store<u32>(suspect, u32(known), SUSPECT_KNOWN);
  memory.copy(suspect + SUSPECT_OLD_STE, origin + ORIGIN_STE, STE_SIZE);
  memory.copy(suspect + SUSPECT_OLD_CD, origin + ORIGIN_CD, CD_SIZE);
  memory.copy(suspect + SUSPECT_NEW_STE, THREAD + THREAD_STE, STE_SIZE);
  memory.copy(suspect + SUSPECT_NEW_CD, THREAD + THREAD_CD, CD_SIZE);
  const level1 = changedLevel1(smmu, sid, ssid, outcome, commands);
  describeLevel1(suspect, level1);
  leaveLevel1(level1);
  atomic.store<i32>(origin, 1, ORIGIN_CONFIG_REPORTED);
  hand(suspect);
  return false;
}
