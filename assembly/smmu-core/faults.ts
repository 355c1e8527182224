// Faults and event records (IHI 0070 section 7). A record is put together in the thread's scratch and written once, when the transaction
// ends; word 0 of the scratch is 0 when the fault has no record.

import { THREAD, THREAD_ID } from '../imports/unit';
import { CD_R } from '../layout/cd';
import {
  EVT_ADDR_HI,
  EVT_CLASS,
  EVT_CLASS_TT,
  EVT_ID,
  EVT_IND,
  EVT_PNU,
  EVT_RNW,
  EVT_S2,
  EVT_SSID,
  EVT_SSV,
  EVT_TTRNW,
  F_ACCESS,
  F_ADDR_SIZE,
  F_PERMISSION,
  F_TRANSLATION,
} from '../layout/events';
import {
  CFG_CD1,
  CFG_CONFIG,
  CFG_NO_SSID,
  CFG_STE5,
  HOST_AT_ATTENTION,
  SMMU_AT_CR0,
  SMMU_AT_EVTQ_ABORT,
  SMMU_AT_EVTQ_BASE,
  SMMU_AT_EVTQ_CONS,
  SMMU_AT_EVTQ_LOG2SIZE,
  SMMU_AT_EVTQ_OWNER,
  SMMU_AT_EVTQ_PROD,
  SMMU_AT_STATS,
  STAT_EVENTS,
  STAT_EVTQ_ABORT,
  STAT_EVTQ_OVERFLOW,
  THREAD_ATTRIBUTES,
  THREAD_CFG,
  THREAD_EVENT,
  THREAD_EVENTS_LOST,
  THREAD_FAULTS,
  THREAD_IOVA,
  THREAD_SID,
  THREAD_SSID,
} from '../layout/host-memory';
import { CR0_EVTQEN, EVTQ_ENTRY_SIZE, EVTQ_OVFLG } from '../layout/smmu-registers';
import { STE_CONFIG_BYPASS, STE_S2R } from '../layout/ste';
import { count } from '../lib/counters';
import { bits, maskOf, placed } from '../lib/fields';
import { locate, NOWHERE, storeAt } from './physical';

/** Attributes of an access: the ACCESS_* bits of assembly/load.ts. */
export const WRITE: u32 = 1;
export const PRIVILEGED: u32 = 2;
export const INSTRUCTION: u32 = 4;

/** Another producer holds the event queue for some 20 ns; beyond this many looks the record is lost. */
const EVENT_QUEUE_SPINS = 10000;

function clearEvent(): void {
  memory.fill(THREAD + THREAD_EVENT, 0, EVTQ_ENTRY_SIZE);
}

/** No record: the transaction ends silently. */
export function noEvent(): void {
  clearEvent();
}

/** A record with its ID, StreamID and SubstreamID: all that C_BAD_* have. */
export function event(id: u32): void {
  clearEvent();
  const ssid = load<u32>(THREAD, THREAD_SSID);
  let word = placed(id, EVT_ID);
  if (ssid != u32(CFG_NO_SSID)) word |= maskOf(EVT_SSV) | placed(ssid, EVT_SSID);
  store<u32>(THREAD, word, THREAD_EVENT);
  store<u32>(THREAD, load<u32>(THREAD, THREAD_SID), THREAD_EVENT + 4);
}

/** F_STE_FETCH and F_CD_FETCH: the address that could not be read stands in doubleword 3. */
export function fetchFault(id: u32, address: u64): void {
  event(id);
  store<u64>(THREAD, address & 0x000ffffffffffff8, THREAD_EVENT + 24);
}

/**
 * A fault of the walk or of its result, F_WALK_EABT to F_PERMISSION.
 * @param kind EVT_CLASS_*: what was being translated.
 * @param stage2 the fault is of stage 2; `ipa` is then its input (or, for F_WALK_EABT, `ipa` is the fetch address in any stage).
 */
export function walkFault(id: u32, kind: u32, stage2: bool, ipa: u64): void {
  event(id);
  const attributes = load<u32>(THREAD, THREAD_ATTRIBUTES);
  let word = placed(kind, EVT_CLASS) | placed(u32(stage2), EVT_S2);
  if ((attributes & WRITE) == 0) word |= maskOf(EVT_RNW);
  if (attributes & PRIVILEGED) word |= maskOf(EVT_PNU);
  if (attributes & INSTRUCTION) word |= maskOf(EVT_IND);
  store<u32>(THREAD, word, THREAD_EVENT + 12);
  store<u64>(THREAD, load<u64>(THREAD, THREAD_IOVA), THREAD_EVENT + 16);
  store<u64>(THREAD, ipa & ((u64(maskOf(EVT_ADDR_HI)) << 32) | 0xfffffff8), THREAD_EVENT + 24);
}

/** A stage-2 fault gives the page of the IPA. */
export function stage2Fault(id: u32, kind: u32, ipa: u64): void {
  walkFault(id, kind, true, ipa & ~(<u64>0xfff));
}

/** Stage 2 does not let stage 1 read (or, to update a descriptor, write) one of its tables or its CD. TTRnW says which. */
export function tableFault(kind: u32, ipa: u64, write: bool): void {
  stage2Fault(F_PERMISSION, kind, ipa);
  if (kind == EVT_CLASS_TT && !write) store<u32>(THREAD, load<u32>(THREAD, THREAD_EVENT + 12) | maskOf(EVT_TTRNW), THREAD_EVENT + 12);
}

/** CD.R and STE.S2R decide whether faults 0x10 to 0x13 are recorded; everything else always is, a bypassed stream's F_ADDR_SIZE included. */
function recorded(id: u32): bool {
  if (id != F_TRANSLATION && id != F_ADDR_SIZE && id != F_ACCESS && id != F_PERMISSION) return true;
  if (load<u32>(THREAD + THREAD_CFG, CFG_CONFIG) == STE_CONFIG_BYPASS) return true;
  if (bits(load<u32>(THREAD, THREAD_EVENT + 12), EVT_S2)) return bits(load<u32>(THREAD + THREAD_CFG, CFG_STE5), STE_S2R) != 0;
  return bits(load<u32>(THREAD + THREAD_CFG, CFG_CD1), CD_R) != 0;
}

function takeQueue(smmu: usize): bool {
  for (let i = 0; i < EVENT_QUEUE_SPINS; i++) {
    if (atomic.cmpxchg<i32>(smmu, 0, THREAD_ID, SMMU_AT_EVTQ_OWNER) == 0) return true;
  }
  return false;
}

function writeRecord(smmu: usize): void {
  const prod = atomic.load<u32>(smmu, SMMU_AT_EVTQ_PROD);
  const cons = atomic.load<u32>(smmu, SMMU_AT_EVTQ_CONS);
  const log2size = atomic.load<u32>(smmu, SMMU_AT_EVTQ_LOG2SIZE) & 31;
  const size = (<u32>1) << log2size;
  const indexMask = (size << 1) - 1;
  if (((prod ^ cons) & indexMask) == size) {
    // Full: the record is lost. OVFLG toggles once, until software has made OVACKFLG equal (IHI 0070 section 7.4).
    if (((prod ^ cons) & maskOf(EVTQ_OVFLG)) == 0) atomic.store<u32>(smmu, prod ^ maskOf(EVTQ_OVFLG), SMMU_AT_EVTQ_PROD);
    atomic.add<i32>(smmu + SMMU_AT_STATS, 1, STAT_EVTQ_OVERFLOW);
    count(THREAD_EVENTS_LOST);
    return;
  }
  const place = locate(atomic.load<u64>(smmu, SMMU_AT_EVTQ_BASE) + u64((prod & (size - 1)) * EVTQ_ENTRY_SIZE), EVTQ_ENTRY_SIZE);
  if (place == NOWHERE) {
    atomic.store<i32>(smmu, 1, SMMU_AT_EVTQ_ABORT);
    atomic.add<i32>(smmu + SMMU_AT_STATS, 1, STAT_EVTQ_ABORT);
    count(THREAD_EVENTS_LOST);
    return;
  }
  for (let i = 0; i < EVTQ_ENTRY_SIZE; i += 8) storeAt(place + i, load<u64>(THREAD + THREAD_EVENT + i));
  // The record is visible before PROD moves.
  atomic.store<u32>(smmu, (prod & maskOf(EVTQ_OVFLG)) | ((prod + 1) & indexMask), SMMU_AT_EVTQ_PROD);
}

/** Ends a faulting transaction: writes the record, if it has one, to the event queue. */
export function recordEvent(smmu: usize): void {
  count(THREAD_FAULTS);
  const id = bits(load<u32>(THREAD, THREAD_EVENT), EVT_ID);
  if (id == 0) return;
  if (!recorded(id)) {
    clearEvent();
    return;
  }
  atomic.add<i32>(smmu + SMMU_AT_STATS + STAT_EVENTS + (id << 2), 1);
  if (!bits(atomic.load<u32>(smmu, SMMU_AT_CR0), CR0_EVTQEN) || !takeQueue(smmu)) {
    count(THREAD_EVENTS_LOST);
    return;
  }
  writeRecord(smmu);
  atomic.store<i32>(smmu, 0, SMMU_AT_EVTQ_OWNER);
  atomic.add<i32>(0, 1, HOST_AT_ATTENTION);
}
