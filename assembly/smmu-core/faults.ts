// SPDX-License-Identifier: MIT
// Faults and event records (IHI 0070 section 7). A record is assembled in the thread's
// scratch words and written once, when the transaction ends; word 0 of the scratch is 0
// for a fault without a record.

import { THREAD, THREAD_ID } from '../imports/unit';
import { ACCESS_INSTRUCTION, ACCESS_PRIVILEGED, ACCESS_WRITE } from '../layout/access';
import { CD_R, CD_S } from '../layout/cd';
import {
  CFG_CD1,
  CFG_CONFIG,
  CFG_NO_SSID,
  CFG_STE2,
  CFG_STE5,
} from '../layout/config-cache-memory';
import {
  EVENT_CLASS,
  EVENT_FETCH,
  EVENT_INPUT,
  EVENT_IPA,
  EVENT_PAGE,
  EVENT_PNU_IND,
  EVENT_RNW,
  EVENT_S2,
  EVENT_SSID,
  EVENT_SSV,
  EVENT_STALL,
  EVT_CLASS,
  EVT_CLASS_TT,
  EVT_ID,
  EVT_IND,
  EVT_PNU,
  EVT_RNW,
  EVT_S2,
  EVT_SSID,
  EVT_SSV,
  EVT_STAG,
  EVT_STALL,
  EVT_TTRNW,
  F_PERMISSION,
} from '../layout/events';
import { HOST_AT_ATTENTION, HOST_AT_EVENTS } from '../layout/host-memory';
import {
  EVENTQ_ABORTED,
  SMMU_AT_CR0,
  SMMU_AT_EVENTQ_ABORT,
  SMMU_AT_EVENTQ_BASE,
  SMMU_AT_EVENTQ_CONS,
  SMMU_AT_EVENTQ_LOG2SIZE,
  SMMU_AT_EVENTQ_OWNER,
  SMMU_AT_EVENTQ_PROD,
  SMMU_AT_STATS,
  STAT_EVENTQ_ABORT,
  STAT_EVENTQ_OVERFLOW,
  STAT_EVENTS,
  STAT_EVENTS_MERGED,
} from '../layout/smmu-memory';
import { CR0_EVENTQEN, EVENTQ_ENTRY_SIZE, Q_OVFLG } from '../layout/smmu-registers';
import { STE_CONFIG_BYPASS, STE_CONFIG_S2, STE_MEV, STE_S2R, STE_S2S } from '../layout/ste';
import {
  THREAD_ATTRIBUTES,
  THREAD_CFG,
  THREAD_EVENT,
  THREAD_EVENTS_LOST,
  THREAD_FAULTS,
  THREAD_IOVA,
  THREAD_SID,
  THREAD_SSID,
} from '../layout/thread-memory';
import { count } from '../lib/counters';
import { bits, maskOf, placed } from '../lib/fields';
import { loadAt, locate, NOWHERE, storeAt } from './physical-memory';

/** FetchAddr[51:3] and IPA[51:12]. */
const FETCH_MASK: u64 = 0x000ffffffffffff8;
const IPA_MASK: u64 = 0x000ffffffffff000;

/**
 * Another producer locks the event queue for about 20 ns; after this many tries the
 * record is lost.
 */
const EVENT_QUEUE_SPINS = 10000;

/** Sets no record: the transaction ends silently. Clears THREAD_EVENT. */
export function noEvent(): void {
  memory.fill(THREAD + THREAD_EVENT, 0, EVENTQ_ENTRY_SIZE);
}

/** The fields that records of an event carry: EVENT_* bits. */
function carriedBy(id: u32): u32 {
  return load<u32>((<usize>id) << 2, HOST_AT_EVENTS);
}

/**
 * Fills THREAD_EVENT for an event without a walk: C_BAD_* and the like. See `walkFault`.
 */
export function event(id: u32): void {
  walkFault(id, 0, false, 0);
}

/** Fills THREAD_EVENT for F_STE_FETCH or F_CD_FETCH. See `walkFault`. */
export function fetchFault(id: u32, address: u64): void {
  walkFault(id, 0, false, address);
}

/**
 * Assembles the record of an event from those fields of the transaction that the event
 * carries (devices/tables/event-table.ts). Reads the access; fills THREAD_EVENT.
 * @param kind EVT_CLASS_*: what was being translated.
 * @param stage2 the fault is of stage 2.
 * @param address FetchAddr, or the IPA of a stage-2 fault.
 */
export function walkFault(id: u32, kind: u32, stage2: bool, address: u64): void {
  noEvent();
  const carried = carriedBy(id);
  const ssid = load<u32>(THREAD, THREAD_SSID);
  let word = placed(id, EVT_ID);
  if (ssid != u32(CFG_NO_SSID) && carried & (EVENT_SSV | EVENT_SSID)) {
    word |= placed(ssid, EVT_SSID);
    if (carried & EVENT_SSV) word |= maskOf(EVT_SSV);
  }
  store<u32>(THREAD, word, THREAD_EVENT);
  store<u32>(THREAD, load<u32>(THREAD, THREAD_SID), THREAD_EVENT + 4);
  const attributes = load<u32>(THREAD, THREAD_ATTRIBUTES);
  word = 0;
  if (carried & EVENT_RNW && !(attributes & ACCESS_WRITE)) word |= maskOf(EVT_RNW);
  if (carried & EVENT_PNU_IND)
    word |=
      placed(u32((attributes & ACCESS_PRIVILEGED) != 0), EVT_PNU) |
      placed(u32((attributes & ACCESS_INSTRUCTION) != 0), EVT_IND);
  if (carried & EVENT_S2) word |= placed(u32(stage2), EVT_S2);
  if (carried & EVENT_CLASS) word |= placed(kind, EVT_CLASS);
  store<u32>(THREAD, word, THREAD_EVENT + 12);
  if (carried & EVENT_INPUT) store<u64>(THREAD, load<u64>(THREAD, THREAD_IOVA), THREAD_EVENT + 16);
  if (carried & EVENT_FETCH) store<u64>(THREAD, address & FETCH_MASK, THREAD_EVENT + 24);
  if (carried & EVENT_IPA && stage2) store<u64>(THREAD, address & IPA_MASK, THREAD_EVENT + 24);
}

/** Fills THREAD_EVENT for a stage-2 fault on an IPA. See `walkFault`. */
export function stage2Fault(id: u32, kind: u32, ipa: u64): void {
  walkFault(id, kind, true, ipa);
}

/**
 * Fills THREAD_EVENT for the case that stage 2 does not permit stage 1 to read (or, to
 * update a descriptor, to write) one of its tables or its CD. TTRnW tells which. See
 * `walkFault`.
 */
export function tableFault(kind: u32, ipa: u64, write: bool): void {
  stage2Fault(F_PERMISSION, kind, ipa);
  if (kind == EVT_CLASS_TT && !write)
    store<u32>(THREAD, load<u32>(THREAD, THREAD_EVENT + 12) | maskOf(EVT_TTRNW), THREAD_EVENT + 12);
}

/**
 * Whether the fault in THREAD_EVENT is a translation-related one, which may stall, go
 * unrecorded, or read as zero; every other fault aborts and is recorded.
 */
export function translationFault(): bool {
  return (carriedBy(bits(load<u32>(THREAD, THREAD_EVENT), EVT_ID)) & EVENT_STALL) != 0;
}

/**
 * Whether the fault in THREAD_EVENT stalls its transaction, by the S bits in THREAD_CFG.
 * A bypassed stage 1 has no CD, and so no CD.S.
 */
export function stalls(stage2: bool): bool {
  if (!translationFault()) return false;
  if (stage2) return bits(load<u32>(THREAD + THREAD_CFG, CFG_STE5), STE_S2S) != 0;
  return bits(load<u32>(THREAD + THREAD_CFG, CFG_CD1), CD_S) != 0;
}

// Whether the fault in THREAD_EVENT is recorded: CD.R and STE.S2R of THREAD_CFG decide
// for translation-related faults. All others are recorded, those of a bypassed stage 1
// included.
function recorded(): bool {
  if (!translationFault()) return true;
  if (bits(load<u32>(THREAD, THREAD_EVENT + 12), EVT_S2))
    return bits(load<u32>(THREAD + THREAD_CFG, CFG_STE5), STE_S2R) != 0;
  const config = load<u32>(THREAD + THREAD_CFG, CFG_CONFIG);
  if (config == STE_CONFIG_BYPASS || config == STE_CONFIG_S2) return true;
  return bits(load<u32>(THREAD + THREAD_CFG, CFG_CD1), CD_R) != 0;
}

/**
 * Whether this record may be merged into the newest record that software has not consumed
 * (IHI 0070 section 7.3.1): STE.MEV permits it, and the two are equal, apart from the
 * offset in the page where the event does not report it. A record of a stall is never
 * merged, as it identifies one transaction.
 */
function merged(smmu: usize, id: u32, newest: u32): bool {
  if (
    !bits(load<u32>(THREAD + THREAD_CFG, CFG_STE2), STE_MEV) ||
    bits(load<u32>(THREAD, THREAD_EVENT + 8), EVT_STALL)
  )
    return false;
  const place = locate(
    atomic.load<u64>(smmu, SMMU_AT_EVENTQ_BASE) + u64(newest * EVENTQ_ENTRY_SIZE),
    EVENTQ_ENTRY_SIZE,
  );
  if (place == NOWHERE) return false;
  const offsetMask: u64 = carriedBy(id) & EVENT_PAGE ? 0xfff : 0;
  for (let i = 0; i < EVENTQ_ENTRY_SIZE; i += 8) {
    const differs = loadAt(place + i) ^ load<u64>(THREAD + THREAD_EVENT + i);
    if ((i == 16 ? differs & ~offsetMask : differs) != 0) return false;
  }
  return true;
}

function takeQueue(smmu: usize): bool {
  for (let i = 0; i < EVENT_QUEUE_SPINS; i++) {
    if (atomic.cmpxchg<i32>(smmu, 0, THREAD_ID, SMMU_AT_EVENTQ_OWNER) == 0) return true;
  }
  return false;
}

// While EVENTQ_ABT_ERR is unacknowledged, nothing is written to the queue (IHI 0070
// section 7.2.1).
function writable(smmu: usize): bool {
  return (
    bits(atomic.load<u32>(smmu, SMMU_AT_CR0), CR0_EVENTQEN) != 0 &&
    atomic.load<i32>(smmu, SMMU_AT_EVENTQ_ABORT) == 0
  );
}

function sizeOf(smmu: usize): u32 {
  return (<u32>1) << (atomic.load<u32>(smmu, SMMU_AT_EVENTQ_LOG2SIZE) & 31);
}

function full(smmu: usize): bool {
  const size = sizeOf(smmu);
  return (
    ((atomic.load<u32>(smmu, SMMU_AT_EVENTQ_PROD) ^ atomic.load<u32>(smmu, SMMU_AT_EVENTQ_CONS)) &
      ((size << 1) - 1)) ==
    size
  );
}

function writeRecord(smmu: usize, id: u32): void {
  const prod = atomic.load<u32>(smmu, SMMU_AT_EVENTQ_PROD);
  const cons = atomic.load<u32>(smmu, SMMU_AT_EVENTQ_CONS);
  const size = sizeOf(smmu);
  const indexMask = (size << 1) - 1;
  if (((prod ^ cons) & indexMask) != 0 && merged(smmu, id, (prod - 1) & (size - 1))) {
    atomic.add<i32>(smmu + SMMU_AT_STATS, 1, STAT_EVENTS_MERGED);
    return;
  }
  if (full(smmu)) {
    // The record is lost. OVFLG toggles once, until software has made OVACKFLG equal (IHI
    // 0070 section 7.4).
    if (((prod ^ cons) & maskOf(Q_OVFLG)) == 0)
      atomic.store<u32>(smmu, prod ^ maskOf(Q_OVFLG), SMMU_AT_EVENTQ_PROD);
    atomic.add<i32>(smmu + SMMU_AT_STATS, 1, STAT_EVENTQ_OVERFLOW);
    count(THREAD_EVENTS_LOST);
    return;
  }
  const place = locate(
    atomic.load<u64>(smmu, SMMU_AT_EVENTQ_BASE) + u64((prod & (size - 1)) * EVENTQ_ENTRY_SIZE),
    EVENTQ_ENTRY_SIZE,
  );
  if (place == NOWHERE) {
    atomic.store<i32>(smmu, EVENTQ_ABORTED, SMMU_AT_EVENTQ_ABORT);
    atomic.add<i32>(smmu + SMMU_AT_STATS, 1, STAT_EVENTQ_ABORT);
    count(THREAD_EVENTS_LOST);
    return;
  }
  for (let i = 0; i < EVENTQ_ENTRY_SIZE; i += 8)
    storeAt(place + i, load<u64>(THREAD + THREAD_EVENT + i));
  // The record has to be visible before PROD moves.
  atomic.store<u32>(smmu, (prod & maskOf(Q_OVFLG)) | ((prod + 1) & indexMask), SMMU_AT_EVENTQ_PROD);
}

/**
 * Ends a faulting transaction: writes its record, if it has one, to the event queue.
 * Reads THREAD_EVENT and THREAD_CFG; clears THREAD_EVENT when the configuration disables
 * the record.
 */
export function recordEvent(smmu: usize): void {
  count(THREAD_FAULTS);
  recordMiscellaneous(smmu);
}

/** Like `recordEvent`, for an event that ends no transaction (IHI 0070 section 7.2). */
export function recordMiscellaneous(smmu: usize): void {
  const id = bits(load<u32>(THREAD, THREAD_EVENT), EVT_ID);
  if (id == 0) return;
  if (!recorded()) {
    noEvent();
    return;
  }
  atomic.add<i32>(smmu + SMMU_AT_STATS + STAT_EVENTS + (id << 2), 1);
  if (!writable(smmu) || !takeQueue(smmu)) {
    count(THREAD_EVENTS_LOST);
    return;
  }
  writeRecord(smmu, id);
  atomic.store<i32>(smmu, 0, SMMU_AT_EVENTQ_OWNER);
  atomic.add<i32>(0, 1, HOST_AT_ATTENTION);
}

/**
 * Writes the record of a transaction that stalls, regardless of CD.R and STE.S2R (IHI
 * 0070 section 5.5). Reads THREAD_EVENT, into which it writes the STAG, and THREAD_CFG.
 * @returns false when the event queue has no room now; this is not an overflow (section
 *   7.2.1).
 */
export function recordStall(smmu: usize, stag: u32): bool {
  if (!writable(smmu) || !takeQueue(smmu)) return false;
  const room = !full(smmu);
  if (room) {
    const id = bits(load<u32>(THREAD, THREAD_EVENT), EVT_ID);
    count(THREAD_FAULTS);
    atomic.add<i32>(smmu + SMMU_AT_STATS + STAT_EVENTS + (id << 2), 1);
    store<u32>(THREAD, placed(stag, EVT_STAG) | maskOf(EVT_STALL), THREAD_EVENT + 8);
    writeRecord(smmu, id);
  }
  atomic.store<i32>(smmu, 0, SMMU_AT_EVENTQ_OWNER);
  if (room) atomic.add<i32>(0, 1, HOST_AT_ATTENTION);
  return room;
}
