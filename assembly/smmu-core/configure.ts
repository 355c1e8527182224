// SPDX-License-Identifier: MIT
// From StreamID and SubstreamID to a translation context: fetches and checks STE and CD
// (IHI 0070 sections 5.2, 5.4, 7.3). Fields that the STE's Config does not use are
// ignored, which Linux's hitless updates rely on.

import { THREAD } from '../imports/unit';
import {
  CD_ASID,
  CD_EPD0,
  CD_EPD1,
  CD_HAD0,
  CD_HAD1,
  CD_PAN,
  CD_SIZE,
  CD_UWXN,
  L1CD_SIZE,
  L1CD_V,
} from '../layout/cd';

import {
  CFG_ASID,
  CFG_CD0,
  CFG_CD1,
  CFG_CONFIG,
  CFG_DS,
  CFG_ENTRY_SIZE,
  CFG_HAD,
  CFG_NO_SSID,
  CFG_S2TTB,
  CFG_SID,
  CFG_SSID,
  CFG_STE,
  CFG_STE_BYTES,
  CFG_STE2,
  CFG_STE5,
  CFG_TTB0,
  CFG_TTB1,
  CFG_VMID,
} from '../layout/config-cache-memory';
import {
  C_BAD_CD,
  C_BAD_STE,
  C_BAD_STREAMID,
  C_BAD_SUBSTREAMID,
  EVT_CLASS_CD,
  F_CD_FETCH,
  F_CFG_CONFLICT,
  F_STE_FETCH,
  F_STREAM_DISABLED,
} from '../layout/events';
import { SMMU_AT_IDR3, SMMU_AT_STRTAB_BASE, SMMU_AT_STRTAB_CFG } from '../layout/smmu-memory';
import {
  IDR0_S2P,
  IDR0_ST_LEVEL,
  IDR0_VMID16,
  IDR3_HAD,
  STRTAB_BASE_CFG_FMT,
  STRTAB_BASE_CFG_LOG2SIZE,
  STRTAB_BASE_CFG_SPLIT,
  STRTAB_FMT_2LEVEL,
} from '../layout/smmu-registers';
import {
  L1STD_SIZE,
  L1STD_SPAN,
  STE_CONFIG,
  STE_CONFIG_BYPASS,
  STE_CONFIG_NESTED,
  STE_CONFIG_S1,
  STE_CONFIG_S2,
  STE_EATS,
  STE_S1DSS,
  STE_S1DSS_BYPASS,
  STE_S1DSS_CD0,
  STE_S1FMT_64K,
  STE_S1FMT_LINEAR,
  STE_S2VMID,
  STE_SIZE,
  STE_V,
} from '../layout/ste';
import {
  THREAD_CD,
  THREAD_CFG,
  THREAD_CFG_HITS,
  THREAD_CFG_MISSES,
  THREAD_STE,
} from '../layout/thread-memory';
import { VMID_EL2 } from '../layout/vmid-memory';
import { count } from '../lib/counters';
import { bits, maskOf } from '../lib/fields';
import { configConflicts, configInsert, configLookup } from './config-cache';
import { event, fetchFault, noEvent } from './faults';
import { alignedDown, oasBits } from './geometry';
import {
  cdField,
  cdTableFormat,
  cdValid,
  dsOfStage1,
  dsOfStage2,
  el2Tag,
  idr0,
  inEl2,
  s1ContextPtr,
  s2ttb,
  splitStage,
  stage1Valid,
  stage2Valid,
  steField,
  streamWorldValid,
  substreamBits,
  ttb,
} from './legality';
import { copyFrom, loadAt, locate, NOWHERE } from './physical-memory';
import { NO_PA, tablePa } from './walk-stage2';

function setCfg(field: usize, value: u32): void {
  store<u32>(THREAD + THREAD_CFG + field, value);
}

function badStreamId(): bool {
  event(C_BAD_STREAMID);
  return false;
}

/**
 * The number of StreamID bits that index a level-2 stream table, 0 when the stream table
 * is linear. Reserved values of SPLIT act as 6.
 * @param shape STRTAB_BASE_CFG.
 */
export function splitBits(smmu: usize, shape: u32): u32 {
  if (bits(shape, STRTAB_BASE_CFG_FMT) != STRTAB_FMT_2LEVEL || !idr0(smmu, IDR0_ST_LEVEL)) return 0;
  const field = bits(shape, STRTAB_BASE_CFG_SPLIT);
  return field == 8 || field == 10 ? field : 6;
}

/** Address of the level-1 descriptor of a stream. */
export function level1OfStream(smmu: usize, sid: u32, split: u32): u64 {
  return atomic.load<u64>(smmu, SMMU_AT_STRTAB_BASE) + (u64(sid >> split) << 3);
}

/** The number of SubstreamID bits that index a level-2 CD table of a two-level format. */
export function cdLeafBits(format: u32): u32 {
  return format == STE_S1FMT_64K ? 10 : 6;
}

/**
 * Address of the level-1 descriptor of a CD, before stage 2, from the STE in THREAD_STE.
 */
export function level1OfCd(index: u32, leafBits: u32): u64 {
  return s1ContextPtr() + (u64(index >> leafBits) << 3);
}

// The level-1 descriptor is read for each STE that is not cached: Linux writes it without
// a command when a device appears.
function fetchSte(smmu: usize, sid: u32): bool {
  const shape = atomic.load<u32>(smmu, SMMU_AT_STRTAB_CFG);
  if (u64(sid) >> u64(bits(shape, STRTAB_BASE_CFG_LOG2SIZE)) != 0) return badStreamId();
  let table = atomic.load<u64>(smmu, SMMU_AT_STRTAB_BASE);
  let index = sid;
  const split = splitBits(smmu, shape);
  if (split != 0) {
    const slot = level1OfStream(smmu, sid, split);
    const place = locate(slot, L1STD_SIZE);
    if (place == NOWHERE) {
      fetchFault(F_STE_FETCH, slot);
      return false;
    }
    const descriptor = loadAt(place);
    const span = bits(u32(descriptor), L1STD_SPAN);
    index = sid & (((<u32>1) << split) - 1);
    if (span == 0 || span > split + 1 || index >> (span - 1) != 0) return badStreamId();
    table = alignedDown(descriptor & 0x000fffffffffffff, span - 1 + 6);
  }
  const pa = table + u64(index) * STE_SIZE;
  const place = locate(pa, STE_SIZE);
  if (place == NOWHERE) {
    fetchFault(F_STE_FETCH, pa);
    return false;
  }
  copyFrom(place, THREAD + THREAD_STE, STE_SIZE >> 3);
  return true;
}

// Location of `length` bytes of a CD table, NOWHERE after a fault. In a nested
// configuration the address is an IPA.
function cdPlace(smmu: usize, address: u64, length: u32): i64 {
  const pa = tablePa(smmu, address, EVT_CLASS_CD, false);
  if (pa == NO_PA) return NOWHERE;
  const place = locate(pa, length);
  if (place == NOWHERE) fetchFault(F_CD_FETCH, pa);
  return place;
}

// Adapts the CD in THREAD_CD to the EL2 translation regime, which has one address range,
// no ASID and no privilege (IHI 0070 section 5.4): the fields of the others are ignored.
function asOfEl2(): void {
  const first: usize = THREAD + THREAD_CD;
  const word0 = load<u32>(first) & ~maskOf(CD_EPD0);
  store<u32>(first, word0 | maskOf(CD_EPD1));
  const ignored = maskOf(CD_ASID) | maskOf(CD_PAN) | maskOf(CD_UWXN);
  store<u32>(first, load<u32>(first, 4) & ~ignored, 4);
}

function fetchCd(smmu: usize, index: u32): bool {
  let table = s1ContextPtr();
  const format = cdTableFormat(smmu);
  if (format != STE_S1FMT_LINEAR) {
    const leafBits = cdLeafBits(format);
    const descriptorPlace = cdPlace(smmu, level1OfCd(index, leafBits), L1CD_SIZE);
    if (descriptorPlace == NOWHERE) return false;
    const descriptor = loadAt(descriptorPlace);
    table = alignedDown(descriptor & 0x000fffffffffffff, leafBits + 6);
    if (!bits(u32(descriptor), L1CD_V) || table >> u64(oasBits(smmu)) != 0) {
      event(C_BAD_SUBSTREAMID);
      return false;
    }
    index &= ((<u32>1) << leafBits) - 1;
  }
  const place = cdPlace(smmu, table + u64(index) * CD_SIZE, CD_SIZE);
  if (place == NOWHERE) return false;
  copyFrom(place, THREAD + THREAD_CD, CD_SIZE >> 3);
  if (load<u32>(THREAD + THREAD_CFG, CFG_VMID) == <u32>VMID_EL2) asOfEl2();
  if (!cdValid(smmu)) {
    event(C_BAD_CD);
    return false;
  }
  setCfg(CFG_ASID, cdField(CD_ASID));
  setCfg(CFG_CD0, load<u32>(THREAD + THREAD_CD));
  setCfg(CFG_CD1, load<u32>(THREAD + THREAD_CD, 4));
  const had = bits(atomic.load<u32>(smmu, SMMU_AT_IDR3), IDR3_HAD) != 0;
  setCfg(CFG_HAD, had ? cdField(CD_HAD0) | (cdField(CD_HAD1) << 1) : 0);
  setCfg(CFG_DS, load<u32>(THREAD + THREAD_CFG, CFG_DS) | dsOfStage1(smmu));
  store<u64>(THREAD + THREAD_CFG, ttb(8), CFG_TTB0);
  store<u64>(THREAD + THREAD_CFG, ttb(16), CFG_TTB1);
  return true;
}

// Results of `cdIndex` in place of an index.
/** S1DSS = 1: the transaction bypasses stage 1. */
const STAGE1_BYPASSED: i64 = -1;
/** The transaction is refused with the event in THREAD_EVENT. */
const REFUSED: i64 = -2;

/** The index of the CD that a transaction uses, STAGE1_BYPASSED or REFUSED. */
function cdIndex(smmu: usize, ssid: u32): i64 {
  const cdMax = substreamBits(smmu);
  if (ssid == u32(CFG_NO_SSID)) {
    if (cdMax == 0) return 0;
    const dss = steField(STE_S1DSS);
    if (dss == STE_S1DSS_BYPASS) return STAGE1_BYPASSED;
    if (dss == STE_S1DSS_CD0) return 0;
    // The reserved value 3 acts as 0.
    event(F_STREAM_DISABLED);
    return REFUSED;
  }
  if (cdMax == 0 || ssid >> cdMax != 0) {
    event(C_BAD_SUBSTREAMID);
    return REFUSED;
  }
  // CD 0 is then reserved for transactions without a SubstreamID.
  if (ssid == 0 && steField(STE_S1DSS) == STE_S1DSS_CD0) {
    event(F_STREAM_DISABLED);
    return REFUSED;
  }
  return i64(ssid);
}

/**
 * Reads a stream's STE and CD from memory. Reads the access, for the record of a fault;
 * fills THREAD_CFG, THREAD_STE and THREAD_CD; destroys the set of table addresses
 * (walk-stage2.ts).
 * @returns false on a fault, with its record (if any) in THREAD_EVENT.
 */
export function readConfig(smmu: usize, sid: u32, ssid: u32): bool {
  // Before the STE is known, fields of an earlier stream (such as MEV) must not apply.
  memory.fill(THREAD + THREAD_CFG, 0, CFG_ENTRY_SIZE);
  if (!fetchSte(smmu, sid)) return false;
  if (!steField(STE_V)) {
    event(C_BAD_STE);
    return false;
  }
  let config = steField(STE_CONFIG);
  if (config < <u32>STE_CONFIG_BYPASS) {
    // Config 0, abort: no record.
    noEvent();
    return false;
  }
  const stage1 = config == STE_CONFIG_S1 || config == STE_CONFIG_NESTED;
  const stage2 = config == STE_CONFIG_S2 || config == STE_CONFIG_NESTED;
  const alone = stage1 && !stage2;
  const el2 = alone && inEl2(smmu);
  const vmidFits =
    !(stage1 || stage2) ||
    el2 ||
    !idr0(smmu, IDR0_S2P) ||
    idr0(smmu, IDR0_VMID16) ||
    steField(STE_S2VMID) <= 0xff;
  // Without a translating stage there is no ATS, regardless of EATS.
  const ste2 = load<u32>(THREAD + THREAD_STE, 8) & (stage1 || stage2 ? u32(-1) : ~maskOf(STE_EATS));
  if (
    (stage1 && !stage1Valid(smmu)) ||
    (alone && !streamWorldValid(smmu)) ||
    (stage2 && !stage2Valid(smmu)) ||
    !vmidFits ||
    splitStage(smmu, ste2)
  ) {
    event(C_BAD_STE);
    return false;
  }
  setCfg(CFG_SID, sid);
  setCfg(CFG_SSID, ssid);
  setCfg(CFG_CONFIG, config);
  // When stage 2 is implemented, the VMID also tags entries of stage 1 alone.
  const vmid = idr0(smmu, IDR0_S2P) ? steField(STE_S2VMID) : 0;
  setCfg(CFG_VMID, el2 ? el2Tag(smmu) : vmid);
  setCfg(CFG_STE2, ste2);
  setCfg(CFG_STE5, load<u32>(THREAD + THREAD_STE, 20));
  setCfg(CFG_DS, dsOfStage2(smmu));
  store<u64>(THREAD + THREAD_CFG, s2ttb(), CFG_S2TTB);
  memory.copy(THREAD + THREAD_CFG + CFG_STE, THREAD + THREAD_STE, CFG_STE_BYTES);
  if (!stage1) {
    if (ssid == u32(CFG_NO_SSID)) return true;
    event(C_BAD_SUBSTREAMID);
    return false;
  }
  const index = cdIndex(smmu, ssid);
  if (index == REFUSED) return false;
  if (index == STAGE1_BYPASSED) {
    config = stage2 ? STE_CONFIG_S2 : STE_CONFIG_BYPASS;
    setCfg(CFG_CONFIG, config);
    return true;
  }
  return fetchCd(smmu, u32(index));
}

/**
 * Fills THREAD_CFG with the configuration of a stream, and THREAD_CFG_GEN with the
 * generation of its set. On a miss like `readConfig`.
 * @returns false on a fault, with its record (if any) in THREAD_EVENT.
 */
export function configure(smmu: usize, sid: u32, ssid: u32): bool {
  if (configLookup(smmu, sid, ssid)) {
    count(THREAD_CFG_HITS);
    return true;
  }
  count(THREAD_CFG_MISSES);
  if (!readConfig(smmu, sid, ssid)) return false;
  if (configConflicts(smmu, sid)) {
    // Which of the two STEs applies is unknown, so no field of either does.
    memory.fill(THREAD + THREAD_CFG, 0, CFG_ENTRY_SIZE);
    event(F_CFG_CONFLICT);
    return false;
  }
  configInsert(smmu, sid);
  return true;
}
