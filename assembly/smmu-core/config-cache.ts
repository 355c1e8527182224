// SPDX-License-Identifier: MIT
// The configuration cache: decoded STE and CD of a (StreamID, SubstreamID), cached until
// a CFGI command. Only valid configurations are cached. The StreamID alone selects the
// set, so CFGI_STE and CFGI_CD_ALL visit one set.

import { THREAD, THREAD_ID } from '../imports/unit';
import {
  CFG_ENTRY_SIZE,
  CFG_SET_GEN,
  CFG_SET_SEQ,
  CFG_SET_STRIDE,
  CFG_SET_VICTIM,
  CFG_SETS,
  CFG_SID,
  CFG_SSID,
  CFG_STE,
  CFG_STE_BYTES,
  CFG_USED,
  CFG_VALID,
  CFG_WAYS,
  SMMU_AT_CFG_ENTRIES,
  SMMU_AT_CFG_SETS,
} from '../layout/config-cache-memory';
import { SEQ_BUSY } from '../layout/set-sequence';
import { SMMU_AT_CFG_CONT } from '../layout/smmu-memory';
import { STE_CONT } from '../layout/ste';
import { THREAD_CFG, THREAD_CFG_GEN } from '../layout/thread-memory';
import { bits, maskOf } from '../lib/fields';
import { freeSet, heldBy, markKilled, releaseSet, takeSet } from './set-lock';

function setHeader(smmu: usize, set: u32): usize {
  return smmu + SMMU_AT_CFG_SETS + set * CFG_SET_STRIDE;
}

function setOf(sid: u32): u32 {
  return sid & (CFG_SETS - 1);
}

function entryAt(smmu: usize, set: u32, way: u32): usize {
  return smmu + SMMU_AT_CFG_ENTRIES + (set * CFG_WAYS + way) * CFG_ENTRY_SIZE;
}

/** The generation of a StreamID's set. Every CFGI that affects the set changes it. */
export function configGeneration(smmu: usize, sid: u32): i64 {
  return atomic.load<i64>(setHeader(smmu, setOf(sid)), CFG_SET_GEN);
}

/**
 * Copies a stream's entry into THREAD_CFG. False on a miss. Stores the generation of the
 * set in THREAD_CFG_GEN either way.
 */
export function configLookup(smmu: usize, sid: u32, ssid: u32): bool {
  const set = setOf(sid);
  const header = setHeader(smmu, set);
  store<i64>(THREAD, atomic.load<i64>(header, CFG_SET_GEN), THREAD_CFG_GEN);
  const before = atomic.load<u32>(header, CFG_SET_SEQ);
  if (before & SEQ_BUSY) return false;
  for (let way: u32 = 0; way < <u32>CFG_WAYS; way++) {
    const entry = entryAt(smmu, set, way);
    if (
      atomic.load<i32>(entry, CFG_VALID) == 0 ||
      load<u32>(entry, CFG_SID) != sid ||
      load<u32>(entry, CFG_SSID) != ssid
    )
      continue;
    for (let word: usize = 0; word < <usize>CFG_USED; word += 8)
      store<u64>(THREAD + THREAD_CFG + word, atomic.load<u64>(entry + word));
    return (
      atomic.load<u32>(header, CFG_SET_SEQ) == before && atomic.load<i32>(entry, CFG_VALID) != 0
    );
  }
  return false;
}

/** Address of the entry of a stream, 0 when there is none. */
export function configEntry(smmu: usize, sid: u32, ssid: u32): usize {
  for (let way: u32 = 0; way < <u32>CFG_WAYS; way++) {
    const entry = entryAt(smmu, setOf(sid), way);
    if (
      atomic.load<i32>(entry, CFG_VALID) != 0 &&
      load<u32>(entry, CFG_SID) == sid &&
      load<u32>(entry, CFG_SSID) == ssid
    )
      return entry;
  }
  return 0;
}

/** The sequence word of a stream's set. Every insert changes it. */
export function configSequence(smmu: usize, sid: u32): u32 {
  return atomic.load<u32>(setHeader(smmu, setOf(sid)), CFG_SET_SEQ);
}

/**
 * Frees a set that a dead thread (index) has left locked, and clears its entries: the
 * thread may have died between inserting an entry and killing it for an invalidation.
 */
export function reapConfigSet(smmu: usize, set: u32, thread: u32): void {
  const sequence = setHeader(smmu, set) + CFG_SET_SEQ;
  if (!heldBy(sequence, thread)) return;
  for (let way: u32 = 0; way < <u32>CFG_WAYS; way++)
    atomic.store<i32>(entryAt(smmu, set, way), 0, CFG_VALID);
  freeSet(sequence);
}

/**
 * Caches THREAD_CFG, unless a CFGI has affected the set since THREAD_CFG_GEN was sampled.
 */
export function configInsert(smmu: usize, sid: u32): void {
  const set = setOf(sid);
  const header = setHeader(smmu, set);
  const sequence = header + CFG_SET_SEQ;
  if (!takeSet(sequence)) {
    // Locked by this very thread: its stack overflowed in here during an earlier call.
    reapConfigSet(smmu, set, THREAD_ID - 1);
    return;
  }
  let way: u32 = 0;
  while (way < <u32>CFG_WAYS && atomic.load<i32>(entryAt(smmu, set, way), CFG_VALID) != 0) way++;
  if (way == <u32>CFG_WAYS) {
    way = load<u32>(header, CFG_SET_VICTIM) & (CFG_WAYS - 1);
    store<u32>(header, way + 1, CFG_SET_VICTIM);
  }
  const entry = entryAt(smmu, set, way);
  atomic.store<i32>(entry, 0, CFG_VALID);
  // All stores are atomic, as in the IOTLB. VALID and SID share a doubleword, so SID is
  // stored separately.
  atomic.store<u32>(entry, load<u32>(THREAD + THREAD_CFG, CFG_SID), CFG_SID);
  for (let word: usize = 8; word < <usize>CFG_STE + CFG_STE_BYTES; word += 8)
    atomic.store<u64>(entry + word, load<u64>(THREAD + THREAD_CFG + word));
  if (contOf(THREAD + THREAD_CFG) != 0) atomic.store<u32>(smmu, 1, SMMU_AT_CFG_CONT);
  if (atomic.load<i64>(header, CFG_SET_GEN) == load<i64>(THREAD, THREAD_CFG_GEN))
    atomic.store<i32>(entry, 1, CFG_VALID);
  if (!releaseSet(sequence)) {
    atomic.store<i32>(entry, 0, CFG_VALID);
    freeSet(sequence);
  }
}

// STE.CONT of an entry.
function contOf(entry: usize): u32 {
  return bits(load<u32>(entry + CFG_STE + 8), STE_CONT);
}

// Compares all of two STEs except CONT: while software marks a span, its STEs differ in
// CONT.
function sameSte(entry: usize, other: usize): bool {
  for (let word: usize = 0; word < <usize>CFG_STE_BYTES; word += 8) {
    const ignored = word == 8 ? u64(maskOf(STE_CONT)) : 0;
    const differs =
      atomic.load<u64>(entry + CFG_STE + word) ^ atomic.load<u64>(other + CFG_STE + word);
    if ((differs & ~ignored) != 0) return false;
  }
  return true;
}

// Whether a set has a valid entry of another stream that shares a CONT span with
// THREAD_CFG, of either STE, and has a different STE.
function conflictInSet(smmu: usize, set: u32, sid: u32): bool {
  const sequence = setHeader(smmu, set) + CFG_SET_SEQ;
  const before = atomic.load<u32>(sequence);
  if (before & SEQ_BUSY) return false;
  const own: usize = THREAD + THREAD_CFG;
  let found = false;
  for (let way: u32 = 0; way < <u32>CFG_WAYS && !found; way++) {
    const entry = entryAt(smmu, set, way);
    const other = load<u32>(entry, CFG_SID);
    found =
      other != sid &&
      (other ^ sid) >> max(contOf(own), contOf(entry)) == 0 &&
      !sameSte(entry, own) &&
      atomic.load<i32>(entry, CFG_VALID) != 0;
  }
  // A match in an entry that was being replaced does not count.
  return found && atomic.load<u32>(sequence) == before;
}

/**
 * Whether the STE in THREAD_CFG differs from a cached STE of another stream although one
 * of the two claims by CONT that they are equal. A lookup of a cache that uses CONT would
 * match both (IHI 0070 sections 3.20.2 and 5.2, CONT). This cache has an entry per
 * stream, and only detects the conflict.
 */
export function configConflicts(smmu: usize, sid: u32): bool {
  if (contOf(THREAD + THREAD_CFG) == 0 && atomic.load<u32>(smmu, SMMU_AT_CFG_CONT) == 0)
    return false;
  for (let set: u32 = 0; set < <u32>CFG_SETS; set++) if (conflictInSet(smmu, set, sid)) return true;
  return false;
}

/** The `ssid` argument that matches every SubstreamID, and entries without one. */
export const EVERY_SSID: i64 = -1;

function sweep(smmu: usize, set: u32, firstSid: u32, lastSid: u32, ssid: i64): void {
  const header = setHeader(smmu, set);
  atomic.add<i64>(header, 1, CFG_SET_GEN);
  markKilled(header + CFG_SET_SEQ);
  for (let way: u32 = 0; way < <u32>CFG_WAYS; way++) {
    const entry = entryAt(smmu, set, way);
    const sid = load<u32>(entry, CFG_SID);
    if (sid < firstSid || sid > lastSid) continue;
    if (ssid != EVERY_SSID && i64(load<u32>(entry, CFG_SSID)) != ssid) continue;
    atomic.store<i32>(entry, 0, CFG_VALID);
  }
  // Raised again: a translator that sampled the generation after the first raise may have
  // read an entry before the sweep cleared it.
  atomic.add<i64>(header, 1, CFG_SET_GEN);
}

/** CFGI_STE, CFGI_CD and CFGI_CD_ALL of one stream. */
export function invalidateConfig(smmu: usize, sid: u32, ssid: i64): void {
  sweep(smmu, setOf(sid), sid, sid, ssid);
}

/** CFGI_STE_RANGE and CFGI_ALL: the aligned 2^(range + 1) streams that include `sid`. */
export function invalidateConfigRange(smmu: usize, sid: u32, range: u32): void {
  const span = (<u64>1) << u64(range + 1);
  const first = u64(sid) & ~(span - 1);
  const last = first + span - 1;
  for (let set: u32 = 0; set < <u32>CFG_SETS; set++)
    sweep(smmu, set, u32(first), u32(last), EVERY_SSID);
}
