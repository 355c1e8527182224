// SPDX-License-Identifier: MIT
// The address translation cache of an endpoint (PCIe ATS). The endpoint's translation
// requests fill it, and ATC_INV, which the drain executes on any thread, empties it. It
// is therefore in host memory.
//
// An endpoint reads its port's count of requests before it asks for a translation, and
// checks the count again after the insert. An invalidation raises the count before it
// visits the entries. A translation that was requested before an invalidation and arrives
// after it is thus used once and not cached. An access that uses an entry is in flight
// from before the lookup, and a CMD_SYNC waits for it like for any other.

import { THREAD } from '../imports/unit';
import {
  ACCESS_INSTRUCTION,
  ACCESS_NO_SSID,
  ACCESS_PRIVILEGED,
  ACCESS_WRITE,
} from '../layout/access';
import {
  ATC_ENTRIES,
  ATC_ENTRY_SIZE,
  ATC_ISOLATED,
  ATC_META,
  ATC_META_GRANTED,
  ATC_META_SIZE,
  ATC_META_VALID,
  ATC_OFF,
  ATC_PA,
  ATC_PAGE,
  ATC_PORT_COMPLETIONS,
  ATC_PORT_GROUP,
  ATC_PORT_GROUP_PASID,
  ATC_PORT_MODE,
  ATC_PORT_REQUESTS,
  ATC_PORT_SID,
  ATC_PORT_STRIDE,
  ATC_PORT_UNEXPECTED,
  ATC_PORT_VICTIM,
  ATC_PORTS,
  ATC_SILENT,
  ATC_TAG,
  ATC_TAG_HAS_PASID,
  ATC_TAG_PASID,
  ATC_TAG_PRIVILEGED,
  PRG_STATE_SHIFT,
  PRG_WAITING,
  SMMU_AT_ATC,
  SMMU_AT_ATC_ENTRIES,
  SMMU_AT_ATC_PORTS,
} from '../layout/ats-memory';
import {
  ATC_DENIED,
  ATC_NO_PORT,
  ATC_REFUSED,
  ATS_EXECUTE,
  ATS_GRANTED_SHIFT,
  ATS_READ,
  ATS_SUCCESS,
  ATS_UR,
  ATS_WRITE,
} from '../layout/ats-results';
import { THREAD_PA, THREAD_PA_SIZE } from '../layout/thread-memory';
import { bits, maskOf, placed } from '../lib/fields';
import { translatedAccess, translationRequest } from './ats';

/** Returned in place of a port for a StreamID that has none. */
export const NO_PORT: u32 = u32(ATC_NO_PORT);

function portAt(smmu: usize, port: u32): usize {
  return smmu + SMMU_AT_ATC + port * ATC_PORT_STRIDE;
}

function entriesOf(smmu: usize, port: u32): usize {
  return smmu + SMMU_AT_ATC_ENTRIES + port * (ATC_ENTRIES * ATC_ENTRY_SIZE);
}

/** The port of a physical StreamID, NO_PORT when it has none. */
export function portOf(smmu: usize, sid: u32): u32 {
  const ports = min(atomic.load<u32>(smmu, SMMU_AT_ATC_PORTS), <u32>ATC_PORTS);
  for (let port: u32 = 0; port < ports; port++) {
    if (atomic.load<u32>(portAt(smmu, port), ATC_PORT_SID) == sid + 1) return port;
  }
  return NO_PORT;
}

// The tag of an entry without its privilege bit: of a PASID, or of none (ACCESS_NO_SSID).
function pasidTag(pasid: i32): u32 {
  return pasid < 0 ? 0 : maskOf(ATC_TAG_HAS_PASID) | placed(u32(pasid), ATC_TAG_PASID);
}

// Without a PASID there are no privileges either (IHI 0070 section 13.7).
function tagOf(pasid: i32, attributes: u32): u32 {
  const privileged = pasid >= 0 && (attributes & ACCESS_PRIVILEGED) != 0;
  return pasidTag(pasid) | placed(u32(privileged), ATC_TAG_PRIVILEGED);
}

// Clears the entries that overlap the 2^span bytes at an address aligned to them (a span
// of 64 and more: all), for one PASID or for all.
function drop(smmu: usize, port: u32, address: u64, span: u32, pasid: i32): void {
  const entries = entriesOf(smmu, port);
  for (let i: usize = 0; i < <usize>ATC_ENTRIES; i++) {
    const entry = entries + i * ATC_ENTRY_SIZE;
    const meta = atomic.load<u32>(entry, ATC_META);
    if (meta == 0) continue;
    const tag = atomic.load<u32>(entry, ATC_TAG) & ~maskOf(ATC_TAG_PRIVILEGED);
    if (pasid >= 0 && tag != pasidTag(pasid)) continue;
    // Two aligned blocks either contain one another or do not overlap.
    const wider = max(span, bits(meta, ATC_META_SIZE));
    if (
      wider >= 64 ||
      (atomic.load<u64>(entry, ATC_PAGE) << u64(bits(meta, ATC_META_SIZE))) >> u64(wider) ==
        address >> u64(wider)
    ) {
      atomic.store<u32>(entry, 0, ATC_META);
    }
  }
}

// Marks the requests up to number `request` as answered.
function complete(at: usize, request: i32): void {
  for (let seen = atomic.load<i32>(at, ATC_PORT_COMPLETIONS); request - seen > 0; ) {
    const found = atomic.cmpxchg<i32>(at, seen, request, ATC_PORT_COMPLETIONS);
    if (found == seen) return;
    seen = found;
  }
}

/**
 * Sends a command's invalidation request to the endpoint of a port.
 * @param span log2 of the bytes at `address`, 64 for everything.
 * @param pasid only translations made with this PASID; ACCESS_NO_SSID: all translations.
 * @returns the port's bit when the endpoint has not answered, otherwise 0.
 */
export function invalidateAtc(smmu: usize, port: u32, address: u64, span: u32, pasid: i32): u64 {
  const at = portAt(smmu, port);
  const request = atomic.add<i32>(at, 1, ATC_PORT_REQUESTS) + 1;
  if (atomic.load<u32>(at, ATC_PORT_MODE) == ATC_SILENT) return (<u64>1) << u64(port);
  drop(smmu, port, address, span, pasid);
  complete(at, request);
  return 0;
}

/** Whether the endpoint has answered every request. */
export function atcAnswered(smmu: usize, port: u32): bool {
  const at = portAt(smmu, port);
  return atomic.load<i32>(at, ATC_PORT_REQUESTS) == atomic.load<i32>(at, ATC_PORT_COMPLETIONS);
}

/**
 * Isolates an endpoint whose requests time out, as a Root Complex should (IHI 0070
 * section 3.9.1.4): the content of its ATC can do no harm, and nobody waits for later
 * requests.
 */
export function isolate(smmu: usize, port: u32): void {
  const at = portAt(smmu, port);
  atomic.store<u32>(at, ATC_ISOLATED, ATC_PORT_MODE);
  drop(smmu, port, 0, 64, ACCESS_NO_SSID);
  complete(at, atomic.load<i32>(at, ATC_PORT_REQUESTS));
}

/**
 * Assigns a port to the endpoint of a StreamID, or changes its mode. This empties its
 * ATC, answers every earlier invalidation (unless the mode is ATC_SILENT), and abandons
 * its page request.
 * @param mode ATC_*; ATC_OFF frees the port.
 * @returns the port, ATC_NO_PORT when all are in use.
 */
export function atcSetMode(smmu: usize, sid: u32, mode: u32): i32 {
  let port = portOf(smmu, sid);
  if (port == NO_PORT) {
    if (mode == ATC_OFF) return ATC_NO_PORT;
    for (let free: u32 = 0; free < <u32>ATC_PORTS && port == NO_PORT; free++) {
      if (atomic.cmpxchg<u32>(portAt(smmu, free), 0, sid + 1, ATC_PORT_SID) == 0) port = free;
    }
    if (port == NO_PORT) return ATC_NO_PORT;
    for (
      let used = atomic.load<u32>(smmu, SMMU_AT_ATC_PORTS);
      used <= port;
      used = atomic.load<u32>(smmu, SMMU_AT_ATC_PORTS)
    ) {
      atomic.cmpxchg<u32>(smmu, used, port + 1, SMMU_AT_ATC_PORTS);
    }
  }
  const at = portAt(smmu, port);
  atomic.store<u32>(at, 0, ATC_PORT_GROUP);
  atomic.store<u32>(at, 0, ATC_PORT_UNEXPECTED);
  atomic.store<u32>(at, mode, ATC_PORT_MODE);
  if (mode != ATC_SILENT) {
    // A request that found the endpoint silent is included in `requests`; a later one
    // completes by itself.
    const requests = atomic.load<i32>(at, ATC_PORT_REQUESTS);
    drop(smmu, port, 0, 64, ACCESS_NO_SSID);
    complete(at, requests);
  }
  if (mode == ATC_OFF) atomic.store<u32>(at, 0, ATC_PORT_SID);
  return i32(port);
}

/**
 * CMD_PRI_RESP: answers the waiting page request group of a StreamID's endpoint.
 * Endpoints expect the PASID of the request in the response (PRG Response PASID
 * Required), so group and PASID both have to match; otherwise the endpoint is told of an
 * unexpected response (Unexpected Page Request Group Index).
 * @param pasid ACCESS_NO_SSID for none.
 * @param answer PRG_*.
 */
export function answerGroup(smmu: usize, sid: u32, pasid: i32, group: u32, answer: u32): void {
  const port = portOf(smmu, sid);
  if (port == NO_PORT) return;
  const at = portAt(smmu, port);
  const waiting = group | (PRG_WAITING << PRG_STATE_SHIFT);
  if (atomic.load<i32>(at, ATC_PORT_GROUP_PASID) == pasid) {
    const answered = group | (answer << PRG_STATE_SHIFT);
    if (atomic.cmpxchg<u32>(at, waiting, answered, ATC_PORT_GROUP) == waiting) return;
  }
  atomic.store<u32>(at, 1, ATC_PORT_UNEXPECTED);
}

/** Removes the port of a StreamID whose endpoint has been removed. */
export function atcForget(smmu: usize, sid: u32): void {
  atcSetMode(smmu, sid, ATC_OFF);
}

function granted(permissions: u32, attributes: u32): bool {
  const wanted =
    attributes & ACCESS_WRITE
      ? ATS_WRITE
      : attributes & ACCESS_INSTRUCTION
        ? ATS_EXECUTE
        : ATS_READ;
  return (permissions & wanted) != 0;
}

// Whether the ATC has a translation of the address with this tag that grants the access.
// Fills THREAD_PA and THREAD_PA_SIZE if so.
function lookUp(smmu: usize, port: u32, tag: u32, iova: u64, attributes: u32): bool {
  const entries = entriesOf(smmu, port);
  for (let i: usize = 0; i < <usize>ATC_ENTRIES; i++) {
    const entry = entries + i * ATC_ENTRY_SIZE;
    const meta = atomic.load<u32>(entry, ATC_META);
    const size = bits(meta, ATC_META_SIZE);
    if (
      meta == 0 ||
      atomic.load<u32>(entry, ATC_TAG) != tag ||
      atomic.load<u64>(entry, ATC_PAGE) != iova >> u64(size) ||
      !granted(bits(meta, ATC_META_GRANTED), attributes)
    )
      continue;
    const inBlock = ((<u64>1) << u64(size)) - 1;
    store<u64>(THREAD, (atomic.load<u64>(entry, ATC_PA) & ~inBlock) | (iova & inBlock), THREAD_PA);
    store<u32>(THREAD, size, THREAD_PA_SIZE);
    return true;
  }
  return false;
}

// Caches the translation in THREAD_PA and THREAD_PA_SIZE, which are only read.
function insert(
  smmu: usize,
  port: u32,
  tag: u32,
  iova: u64,
  permissions: u32,
  requests: i32,
): void {
  const at = portAt(smmu, port);
  const victim = load<u32>(at, ATC_PORT_VICTIM);
  store<u32>(at, (victim + 1) & (ATC_ENTRIES - 1), ATC_PORT_VICTIM);
  const entry = entriesOf(smmu, port) + (victim & (ATC_ENTRIES - 1)) * ATC_ENTRY_SIZE;
  const size = load<u32>(THREAD, THREAD_PA_SIZE);
  atomic.store<u32>(entry, 0, ATC_META);
  atomic.store<u32>(entry, tag, ATC_TAG);
  atomic.store<u64>(entry, iova >> u64(size), ATC_PAGE);
  atomic.store<u64>(entry, load<u64>(THREAD, THREAD_PA), ATC_PA);
  atomic.store<u32>(
    entry,
    maskOf(ATC_META_VALID) | placed(size, ATC_META_SIZE) | placed(permissions, ATC_META_GRANTED),
    ATC_META,
  );
  if (atomic.load<i32>(at, ATC_PORT_REQUESTS) != requests) atomic.store<u32>(entry, 0, ATC_META);
}

/**
 * An access of an endpoint with ATS, which stays inside the block THREAD_PA_SIZE of the
 * translation in THREAD_PA. The caller has registered the access, and is the endpoint's
 * only thread. Fills those two; destroys all other scratch words of the thread block.
 * @param ssid the PASID of the access; with ACCESS_NO_SSID `attributes` is 0 or
 *   ACCESS_WRITE.
 * @returns ATS_SUCCESS when the access may go through; ATS_UR or ATS_CA of its
 *   translation request; ATC_DENIED; ATC_REFUSED.
 */
export function atcAccess(
  smmu: usize,
  port: u32,
  sid: u32,
  ssid: i32,
  iovaLo: u32,
  iovaHi: u32,
  attributes: u32,
): i32 {
  const at = portAt(smmu, port & (ATC_PORTS - 1));
  if (atomic.load<u32>(at, ATC_PORT_SID) != sid + 1) return ATS_UR;
  if (atomic.load<u32>(at, ATC_PORT_MODE) == ATC_ISOLATED) return ATC_REFUSED;
  const iova = (u64(iovaHi) << 32) | u64(iovaLo);
  const tag = tagOf(ssid, attributes);
  if (!lookUp(smmu, port, tag, iova, attributes)) {
    const requests = atomic.load<i32>(at, ATC_PORT_REQUESTS);
    const completion = translationRequest(smmu, sid, ssid, iovaLo, iovaHi, attributes);
    const permissions = u32(completion) >> ATS_GRANTED_SHIFT;
    if (!granted(permissions, attributes))
      return completion == ATS_SUCCESS || permissions != 0 ? ATC_DENIED : completion;
    insert(smmu, port, tag, iova, permissions, requests);
  }
  const size = load<u32>(THREAD, THREAD_PA_SIZE);
  // A translated access carries no PASID (SMMU_IDR3.PASIDTT = 0), and so is unprivileged
  // data.
  if (!translatedAccess(smmu, sid, load<u64>(THREAD, THREAD_PA), attributes & ACCESS_WRITE))
    return ATC_REFUSED;
  store<u32>(THREAD, size, THREAD_PA_SIZE);
  return ATS_SUCCESS;
}
