// SPDX-License-Identifier: MIT
// One translation: configuration, IOTLB, walk, permissions, insert.

import { THREAD } from '../imports/unit';
import {
  ACCESS_ATOMIC,
  ACCESS_ATS_REQUEST,
  ACCESS_INSTRUCTION,
  ACCESS_WRITE,
} from '../layout/access';
import { CD_A, CD_ASET, CD_TBI0, CD_TBI1 } from '../layout/cd';
import {
  CFG_ASID,
  CFG_CD1,
  CFG_CONFIG,
  CFG_ENTRY_SIZE,
  CFG_NO_SSID,
  CFG_VMID,
} from '../layout/config-cache-memory';
import {
  C_BAD_STREAMID,
  EVT_CLASS_IN,
  EVT_ID,
  EVT_S2,
  F_ADDR_SIZE,
  F_TLB_CONFLICT,
  F_UUT,
} from '../layout/events';
import { HOST_AT_TRACE } from '../layout/host-memory';
import { TLB_ASET, TLB_PERM_UNPRIV, TLB_PERM_W } from '../layout/iotlb-memory';
import {
  SMMU_AT_ALL_GEN,
  SMMU_AT_CR0,
  SMMU_AT_CR2,
  SMMU_AT_GBPA,
  SMMU_CR0_PLANTED,
} from '../layout/smmu-memory';
import { CR0_SMMUEN, CR2_RECINVSID, GBPA_ABORT } from '../layout/smmu-registers';
import { STE_CONFIG_BYPASS, STE_CONFIG_S2 } from '../layout/ste';
import {
  THREAD_ATTRIBUTES,
  THREAD_CFG,
  THREAD_CFG_GEN,
  THREAD_EVENT,
  THREAD_IOVA,
  THREAD_PA,
  THREAD_PA_SIZE,
  THREAD_SID,
  THREAD_SSID,
  THREAD_TLB_HITS,
  THREAD_TLB_MISSES,
} from '../layout/thread-memory';
import {
  TRANSLATE_ABORT,
  TRANSLATE_OK,
  TRANSLATE_RAZWI,
  TRANSLATE_STALLED,
  TRANSLATE_WAIT,
} from '../layout/translate-results';
import { VMID_ANY_GEN } from '../layout/vmid-memory';
import { count } from '../lib/counters';
import { bits, maskOf } from '../lib/fields';
import { configGeneration } from './config-cache';
import { configure } from './configure';
import { noEvent, recordEvent, recordStall, stalls, translationFault, walkFault } from './faults';
import { vmidBlock } from './generations';
import { oasBits } from './geometry';
import { canonical } from './invalidate';
import { tlbInsert, tlbLookup } from './iotlb';
import { plantedFault } from './planted';
import { NO_STAG, stallEnter, stallLeave } from './stall';
import { traceWalk } from './trace-writer';
import { allows, hasStage1, panOn, walk } from './walk';
import { S1_CLEAN, S1_GLOBAL, S1_PERM, S1_SIZE } from './walk-stage1';
import { S2_CLEAN, S2_OUT, S2_PERM, S2_SIZE } from './walk-stage2';

/** log2 of the page that a bypassed access stays in. */
const BYPASS_SIZE: u32 = 12;

// If CFGI commands keep changing the configuration, it is read at most this often; the
// translation is then used once and not cached.
const CONFIG_TRIES = 2;

/**
 * Passes the address through: fills THREAD_PA and THREAD_PA_SIZE. False when the address
 * is wider than IDR5.OAS.
 */
export function bypass(smmu: usize, iova: u64): bool {
  if (iova >> u64(oasBits(smmu)) != 0) return false;
  store<u64>(THREAD, iova, THREAD_PA);
  store<u32>(THREAD, BYPASS_SIZE, THREAD_PA_SIZE);
  return true;
}

/**
 * Stalls a faulting transaction, described by the access and THREAD_EVENT. Its record is
 * never lost: without room for the record the transaction does not stall.
 */
function stall(smmu: usize): i32 {
  const sid = load<u32>(THREAD, THREAD_SID);
  const stag = stallEnter(smmu, sid);
  if (stag == NO_STAG) return TRANSLATE_WAIT;
  if (recordStall(smmu, stag)) return TRANSLATE_STALLED;
  stallLeave(smmu, sid, stag);
  return TRANSLATE_WAIT;
}

// Refuses an atomic operation: the bus after this SMMU carries only reads and writes. No
// table is read, and SMMUEN does not matter (IHI 0070 sections 7.3.2, 16.7.1).
function unsupported(smmu: usize): i32 {
  memory.fill(THREAD + THREAD_CFG, 0, CFG_ENTRY_SIZE);
  walkFault(F_UUT, 0, false, 0);
  return refuse(smmu, false);
}

function traced(): bool {
  return load<u32>(0, HOST_AT_TRACE) != 0;
}

/**
 * Ends a faulting transaction, described by the access, THREAD_EVENT and THREAD_CFG, and
 * traces it.
 */
function refuse(smmu: usize, configured: bool): i32 {
  const id = bits(load<u32>(THREAD, THREAD_EVENT), EVT_ID);
  const result = conclude(smmu, configured);
  // A transaction that has to wait is tried again and again, and is not traced each time.
  if (traced() && result != TRANSLATE_WAIT) traceWalk(smmu, id, result, configured);
  return result;
}

// Ends a faulting transaction. CD.A = 0 makes translation-related faults of stage 1 read
// as zero instead of aborting.
function conclude(smmu: usize, configured: bool): i32 {
  if (load<u32>(THREAD, THREAD_ATTRIBUTES) & ACCESS_ATS_REQUEST) return TRANSLATE_ABORT;
  const stage2 = bits(load<u32>(THREAD, THREAD_EVENT + 12), EVT_S2) != 0;
  if (stalls(stage2)) return stall(smmu);
  const raz =
    configured &&
    translationFault() &&
    !stage2 &&
    hasStage1() &&
    !bits(load<u32>(THREAD + THREAD_CFG, CFG_CD1), CD_A);
  const badStreamId = bits(load<u32>(THREAD, THREAD_EVENT), EVT_ID) == C_BAD_STREAMID;
  if (badStreamId && !bits(atomic.load<u32>(smmu, SMMU_AT_CR2), CR2_RECINVSID)) noEvent();
  recordEvent(smmu);
  return raz ? TRANSLATE_RAZWI : TRANSLATE_ABORT;
}

/**
 * Whether the top byte of a VA makes the walk refuse it: without TBI the byte is part of
 * the address, but the IOTLB ignores it.
 * @param input the address as the IOTLB compares it.
 */
export function tagRefused(iova: u64, input: u64): bool {
  if (iova == input) return false;
  return !bits(load<u32>(THREAD + THREAD_CFG, CFG_CD1), (iova >> 55) & 1 ? CD_TBI1 : CD_TBI0);
}

/**
 * Whether the IOTLB has the address for the configuration in THREAD_CFG, with permission
 * for the access; if so fills THREAD_PA and counts the hit. Fills THREAD_PA_SIZE with the
 * size of the entry, even if its permissions are insufficient, and with 0 when there is
 * no entry.
 */
export function hits(
  smmu: usize,
  vmid: u32,
  asid: u32,
  iova: u64,
  stage2Only: bool,
  attributes: u32,
): bool {
  const input = stage2Only ? iova : canonical(iova);
  const hit = tagRefused(iova, input) ? 0 : tlbLookup(smmu, vmid, asid, input, stage2Only);
  if (hit == 0) {
    store<u32>(THREAD, 0, THREAD_PA_SIZE);
    return false;
  }
  if (!allows(hit, attributes, panOn())) return false;
  count(THREAD_TLB_HITS);
  return true;
}

/**
 * Translates one address of an access that stays inside the translated block
 * (THREAD_PA_SIZE). The caller has registered the access. Fills the access, and THREAD_PA
 * and THREAD_PA_SIZE or THREAD_EVENT; destroys all other scratch words of the thread
 * block.
 *
 * The order is: read the configuration, sample the generations, check that the
 * configuration has not changed. An invalidation after the sample is detected by the
 * insert. One before the sample followed the CFGI of its change of configuration, so the
 * check finds the change.
 */
export function translate(
  smmu: usize,
  sid: u32,
  ssid: i32,
  iovaLo: u32,
  iovaHi: u32,
  attributes: u32,
): i32 {
  const iova = (u64(iovaHi) << 32) | u64(iovaLo);
  const substream = ssid < 0 ? u32(CFG_NO_SSID) : u32(ssid);
  store<u32>(THREAD, sid, THREAD_SID);
  store<u32>(THREAD, substream, THREAD_SSID);
  store<u64>(THREAD, iova, THREAD_IOVA);
  // Writes are data (IHI 0070 section 13.1.2).
  if (attributes & ACCESS_WRITE) attributes &= ~ACCESS_INSTRUCTION;
  store<u32>(THREAD, attributes, THREAD_ATTRIBUTES);

  if (attributes & ACCESS_ATOMIC) return unsupported(smmu);
  const cr0 = atomic.load<u32>(smmu, SMMU_AT_CR0);
  if ((cr0 & (maskOf(CR0_SMMUEN) | maskOf(SMMU_CR0_PLANTED))) != maskOf(CR0_SMMUEN)) {
    const enabled = bits(cr0, CR0_SMMUEN) != 0;
    if (bits(cr0, SMMU_CR0_PLANTED) && plantedFault(smmu, sid, substream, enabled))
      return refuse(smmu, false);
    // A refusal by GBPA is not recorded.
    if (!enabled)
      return !bits(atomic.load<u32>(smmu, SMMU_AT_GBPA), GBPA_ABORT) && bypass(smmu, iova)
        ? TRANSLATE_OK
        : TRANSLATE_ABORT;
  }

  let current = false;
  let vmid: u32 = 0;
  let generation: i64 = 0;
  let allGeneration: i64 = 0;
  for (let i = 0; i < CONFIG_TRIES && !current; i++) {
    if (!configure(smmu, sid, substream)) return refuse(smmu, false);
    vmid = load<u32>(THREAD + THREAD_CFG, CFG_VMID);
    generation = atomic.load<i64>(vmidBlock(smmu, vmid), VMID_ANY_GEN);
    allGeneration = atomic.load<i64>(smmu, SMMU_AT_ALL_GEN);
    current = configGeneration(smmu, sid) == load<i64>(THREAD, THREAD_CFG_GEN);
  }
  const config = load<u32>(THREAD + THREAD_CFG, CFG_CONFIG);
  if (config == STE_CONFIG_BYPASS) {
    if (bypass(smmu, iova)) return TRANSLATE_OK;
    walkFault(F_ADDR_SIZE, EVT_CLASS_IN, false, 0);
    return refuse(smmu, true);
  }

  const stage2Only = config == STE_CONFIG_S2;
  const asid = load<u32>(THREAD + THREAD_CFG, CFG_ASID);
  if (hits(smmu, vmid, asid, iova, stage2Only, attributes)) return TRANSLATE_OK;
  // A hit without permission is walked again: only the walk knows which stage refuses the
  // access.
  count(THREAD_TLB_MISSES);
  const cachedSize = load<u32>(THREAD, THREAD_PA_SIZE);
  if (!walk(smmu, iova, attributes)) return refuse(smmu, true);

  const s1size = load<u32>(THREAD, S1_SIZE);
  const size = min(s1size, load<u32>(THREAD, S2_SIZE));
  // The tables map a block of another size where an entry is live: software has omitted
  // break-before-make and the TLBI, and the IOTLB would have two entries for the address
  // (IHI 0070 section 7.3.17).
  if (cachedSize != 0 && size != cachedSize) {
    walkFault(F_TLB_CONFLICT, EVT_CLASS_IN, stage2Only, iova);
    return refuse(smmu, true);
  }
  let permissions = load<u32>(THREAD, S1_PERM) & (load<u32>(THREAD, S2_PERM) | TLB_PERM_UNPRIV);
  // The page is still clean: its first write has to reach the walk.
  if (
    (attributes & ACCESS_WRITE) == 0 &&
    (load<u32>(THREAD, S1_CLEAN) | load<u32>(THREAD, S2_CLEAN)) != 0
  )
    permissions &= ~u32(TLB_PERM_W);
  const pa = load<u64>(THREAD, S2_OUT);
  store<u64>(THREAD, pa, THREAD_PA);
  store<u32>(THREAD, size, THREAD_PA_SIZE);
  if (current) {
    const global = !stage2Only && load<u32>(THREAD, S1_GLOBAL) != 0;
    if (!stage2Only && bits(load<u32>(THREAD + THREAD_CFG, CFG_CD1), CD_ASET))
      permissions |= TLB_ASET;
    tlbInsert(
      smmu,
      vmid,
      asid,
      stage2Only ? iova : canonical(iova),
      pa,
      size,
      permissions,
      global,
      stage2Only,
      stage2Only ? size : s1size,
      generation,
      allGeneration,
    );
  }
  if (traced()) traceWalk(smmu, 0, TRANSLATE_OK, true);
  return TRANSLATE_OK;
}
