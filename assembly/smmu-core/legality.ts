// SPDX-License-Identifier: MIT
// Whether the STE and the CD in the thread's scratch words (THREAD_STE and THREAD_CD) are
// ILLEGAL for this SMMU (IHI 0070 sections 5.2 and 5.4), and the fields that several
// readers need. All functions read the two, and none changes them.

import { THREAD } from '../imports/unit';
import {
  CD_A,
  CD_AA64,
  CD_ASID,
  CD_DS,
  CD_ENDI,
  CD_EPD0,
  CD_EPD1,
  CD_HA,
  CD_HD,
  CD_IPS,
  CD_S,
  CD_T0SZ,
  CD_T1SZ,
  CD_TG0,
  CD_TG1,
  CD_V,
} from '../layout/cd';
import { CFG_DS_S2SL0_2, CFG_DS_STAGE1, CFG_DS_STAGE2 } from '../layout/config-cache-memory';
import { SMMU_AT_CR2, SMMU_AT_IDR0, SMMU_AT_IDR1, SMMU_AT_IDR5 } from '../layout/smmu-memory';
import {
  CR2_E2H,
  IDR0_ASID16,
  IDR0_ATS,
  IDR0_CD2L,
  IDR0_HTTU,
  IDR0_HYP,
  IDR0_S1P,
  IDR0_S2P,
  IDR0_STALL_MODEL,
  IDR0_TERM_MODEL,
  IDR0_TTENDIAN,
  IDR1_SSIDSIZE,
  IDR5_GRAN4K,
  IDR5_GRAN16K,
  IDR5_GRAN64K,
  IDR5_VAX,
  STALL_MODEL_BOTH,
  STALL_MODEL_FORCED,
  STALL_MODEL_TERMINATE,
  TTENDIAN_MIXED,
} from '../layout/smmu-registers';
import {
  STE_EATS,
  STE_EATS_FULL,
  STE_EATS_SPLIT,
  STE_S1CDMAX,
  STE_S1CONTEXTPTR_HI,
  STE_S1CONTEXTPTR_LO,
  STE_S1FMT,
  STE_S1FMT_64K,
  STE_S1FMT_LINEAR,
  STE_S1STALLD,
  STE_S2AA64,
  STE_S2DS,
  STE_S2ENDI,
  STE_S2HA,
  STE_S2HD,
  STE_S2PS,
  STE_S2S,
  STE_S2SL0,
  STE_S2SL0_2,
  STE_S2T0SZ,
  STE_S2TG,
  STE_S2TTB_HI,
  STE_S2TTB_LO,
  STE_STRW,
} from '../layout/ste';
import { THREAD_CD, THREAD_STE } from '../layout/thread-memory';
import { VMID_E2H, VMID_EL2 } from '../layout/vmid-memory';
import { bits, fieldAt } from '../lib/fields';
import {
  dsImplemented,
  effectiveBits,
  granuleOfTg0,
  granuleOfTg1,
  levelShift,
  minTsz,
  oasBits,
  stage2StartLevel,
  startLevelAllowed,
} from './geometry';

// T0SZ and T1SZ of VMSAv8-64 without small translation tables.
const MAX_TSZ: u32 = 39;

export function steField(field: i32): u32 {
  return fieldAt(THREAD + THREAD_STE, field);
}

export function cdField(field: i32): u32 {
  return fieldAt(THREAD + THREAD_CD, field);
}

function granuleAdvertised(smmu: usize, granule: u32): bool {
  const idr5 = atomic.load<u32>(smmu, SMMU_AT_IDR5);
  if (granule == 12) return bits(idr5, IDR5_GRAN4K) != 0;
  if (granule == 14) return bits(idr5, IDR5_GRAN16K) != 0;
  return granule == 16 && bits(idr5, IDR5_GRAN64K) != 0;
}

export function idr0(smmu: usize, field: i32): u32 {
  return bits(atomic.load<u32>(smmu, SMMU_AT_IDR0), field);
}

// Hardware update of the access flag needs HTTU = 1, that of the dirty state HTTU = 2.
function updatesAllowed(smmu: usize, ha: u32, hd: u32): bool {
  const httu = idr0(smmu, IDR0_HTTU);
  return (!ha || httu >= 1) && (!hd || httu >= 2);
}

// CD.S and STE.S2S must be 0 on an SMMU that never stalls, and 1 on one that always does
// (IHI 0070 section 5.5).
function stallLegal(smmu: usize, stall: u32): bool {
  const model = idr0(smmu, IDR0_STALL_MODEL);
  return stall != 0 ? model != STALL_MODEL_TERMINATE : model != STALL_MODEL_FORCED;
}

// ENDI: big-endian tables need an SMMU of mixed endianness.
function endianLegal(smmu: usize, big: u32): bool {
  return big == 0 || idr0(smmu, IDR0_TTENDIAN) == TTENDIAN_MIXED;
}

// Whether stage 2 of the STE is supported, with sizes that are consistent with each
// other.
export function stage2Valid(smmu: usize): bool {
  if (!idr0(smmu, IDR0_S2P) || !steField(STE_S2AA64)) return false;
  if (!endianLegal(smmu, steField(STE_S2ENDI))) return false;
  if (!updatesAllowed(smmu, steField(STE_S2HA), steField(STE_S2HD))) return false;
  if (!stallLegal(smmu, steField(STE_S2S))) return false;
  // Full ATS and stalls at stage 2 exclude each other (IHI 0070 section 5.2).
  if (steField(STE_S2S) && idr0(smmu, IDR0_ATS) && steField(STE_EATS) == STE_EATS_FULL)
    return false;
  const granule = granuleOfTg0(steField(STE_S2TG));
  if (granule == 0 || !granuleAdvertised(smmu, granule)) return false;
  const ds = dsOfStage2(smmu);
  const lpa2 = granule != 16 && ds != 0;
  const t0sz = steField(STE_S2T0SZ);
  if (t0sz < max(minTsz(granule, lpa2, true), <u32>64 - oasBits(smmu)) || t0sz > MAX_TSZ)
    return false;
  const sl0 = steField(STE_S2SL0);
  const start = stage2StartLevel(granule, sl0 | (ds & CFG_DS_S2SL0_2), lpa2);
  if (start > 3 || !startLevelAllowed(granule, sl0, oasBits(smmu))) return false;
  // At the start level: at least one index bit, and at most 4 more than one table has (16
  // concatenated tables).
  const inputBits: u32 = <u32>64 - t0sz;
  const shift = levelShift(granule, start);
  if (inputBits <= shift || inputBits - shift > granule - 3 + 4) return false;
  return s2ttb() >> u64(effectiveBits(smmu, steField(STE_S2PS), granule, lpa2)) == 0;
}

/**
 * Whether the STE asks for split-stage ATS, which the model lacks (IDR0.NS1ATS). `ste2`:
 * the effective STE word 2.
 */
export function splitStage(smmu: usize, ste2: u32): bool {
  return idr0(smmu, IDR0_ATS) != 0 && bits(ste2, STE_EATS) == STE_EATS_SPLIT;
}

// CFG_DS of the STE: S2DS, and S2SL0_2, which has a meaning only with S2DS.
export function dsOfStage2(smmu: usize): u32 {
  if (!steField(STE_S2DS) || !dsImplemented(smmu)) return 0;
  return CFG_DS_STAGE2 | (steField(STE_S2SL0_2) ? CFG_DS_S2SL0_2 : 0);
}

export function s2ttb(): u64 {
  return (u64(steField(STE_S2TTB_HI)) << 32) | (u64(steField(STE_S2TTB_LO)) << 4);
}

/** STE.STRW of EL2; EL2-E2H with CR2.E2H. Reserved: 1 and 3. */
const STRW_EL2: u32 = 2;

/**
 * Whether a stream with stage 1 alone belongs to EL2 or EL2-E2H. Without IDR0.HYP, or
 * with stage 2, STRW is ignored: the stream belongs to NS-EL1.
 */
export function inEl2(smmu: usize): bool {
  return idr0(smmu, IDR0_HYP) != 0 && steField(STE_STRW) == STRW_EL2;
}

/** VMID_EL2 or VMID_E2H, depending on CR2.E2H. */
export function el2Tag(smmu: usize): u32 {
  return bits(atomic.load<u32>(smmu, SMMU_AT_CR2), CR2_E2H) ? VMID_E2H : VMID_EL2;
}

/** Whether STRW is legal for a stream with stage 1 alone. */
export function streamWorldValid(smmu: usize): bool {
  return !idr0(smmu, IDR0_HYP) || !(steField(STE_STRW) & 1);
}

export function stage1Valid(smmu: usize): bool {
  if (!idr0(smmu, IDR0_S1P)) return false;
  if (steField(STE_S1STALLD) && idr0(smmu, IDR0_STALL_MODEL) != STALL_MODEL_BOTH) return false;
  if (substreamBits(smmu) > ssidSize(smmu)) return false;
  if (cdTableFormat(smmu) != STE_S1FMT_LINEAR && !idr0(smmu, IDR0_CD2L)) return false;
  return s1ContextPtr() >> u64(oasBits(smmu)) == 0;
}

export function s1ContextPtr(): u64 {
  return (u64(steField(STE_S1CONTEXTPTR_HI)) << 32) | (u64(steField(STE_S1CONTEXTPTR_LO)) << 6);
}

function ssidSize(smmu: usize): u32 {
  return bits(atomic.load<u32>(smmu, SMMU_AT_IDR1), IDR1_SSIDSIZE);
}

/**
 * S1CDMax. An SMMU without substreams ignores it, and the fields that depend on it
 * (S1DSS, S1Fmt).
 */
export function substreamBits(smmu: usize): u32 {
  return ssidSize(smmu) == 0 ? 0 : steField(STE_S1CDMAX);
}

// S1Fmt, which is ignored without substreams; the reserved value 3 acts as 0.
export function cdTableFormat(smmu: usize): u32 {
  const format = steField(STE_S1FMT);
  return substreamBits(smmu) == 0 || format > <u32>STE_S1FMT_64K ? STE_S1FMT_LINEAR : format;
}

export function dsOfStage1(smmu: usize): u32 {
  return cdField(CD_DS) && dsImplemented(smmu) ? CFG_DS_STAGE1 : 0;
}

function tableValid(smmu: usize, tsz: u32, granule: u32, ttb: u64): bool {
  if (granule == 0 || !granuleAdvertised(smmu, granule)) return false;
  const large = bits(atomic.load<u32>(smmu, SMMU_AT_IDR5), IDR5_VAX) == 1;
  const lpa2 = granule != 16 && dsOfStage1(smmu) != 0;
  if (tsz < minTsz(granule, lpa2, large) || tsz > MAX_TSZ) return false;
  return ttb >> u64(effectiveBits(smmu, cdField(CD_IPS), granule, lpa2)) == 0;
}

export function ttb(word: usize): u64 {
  return load<u64>(THREAD + THREAD_CD + word) & 0x000ffffffffffff0;
}

export function cdValid(smmu: usize): bool {
  if (!cdField(CD_V) || !cdField(CD_AA64)) return false;
  // With both halves disabled nothing is walked, so the endianness does not matter.
  if (!endianLegal(smmu, cdField(CD_ENDI)) && !(cdField(CD_EPD0) && cdField(CD_EPD1))) return false;
  if (!idr0(smmu, IDR0_ASID16) && cdField(CD_ASID) > 0xff) return false;
  if (!updatesAllowed(smmu, cdField(CD_HA), cdField(CD_HD))) return false;
  if (!cdField(CD_A) && idr0(smmu, IDR0_TERM_MODEL)) return false;
  if (!stallLegal(smmu, cdField(CD_S)) || (cdField(CD_S) && steField(STE_S1STALLD))) return false;
  if (
    !cdField(CD_EPD0) &&
    !tableValid(smmu, cdField(CD_T0SZ), granuleOfTg0(cdField(CD_TG0)), ttb(8))
  )
    return false;
  return (
    cdField(CD_EPD1) != 0 ||
    tableValid(smmu, cdField(CD_T1SZ), granuleOfTg1(cdField(CD_TG1)), ttb(16))
  );
}
