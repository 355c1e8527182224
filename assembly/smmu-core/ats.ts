// SPDX-License-Identifier: MIT
// ATS on the SMMU's side (IHI 0070 sections 3.9.1.2 and 3.9.1.3): translation requests,
// which use the translation of ordinary transactions but neither stall nor record their
// faults, and transactions whose address is already translated.

import { THREAD } from '../imports/unit';
import {
  ACCESS_ATS_REQUEST,
  ACCESS_INSTRUCTION,
  ACCESS_PRIVILEGED,
  ACCESS_WRITE,
} from '../layout/access';
import {
  ATS_CA,
  ATS_EXECUTE,
  ATS_GRANTED_SHIFT,
  ATS_READ,
  ATS_SUCCESS,
  ATS_UR,
  ATS_WRITE,
} from '../layout/ats-results';
import { CFG_CONFIG, CFG_NO_SSID, CFG_STE2 } from '../layout/config-cache-memory';
import {
  C_BAD_STREAMID,
  C_BAD_SUBSTREAMID,
  EVT_ID,
  F_BAD_ATS_TREQ,
  F_PERMISSION,
  F_STREAM_DISABLED,
  F_TRANSL_FORBIDDEN,
} from '../layout/events';
import {
  SMMU_AT_CR0,
  SMMU_AT_CR2,
  SMMU_AT_IDR0,
  SMMU_AT_IDR5,
  SMMU_AT_STATS,
  STAT_ATS_REQUESTS,
} from '../layout/smmu-memory';
import {
  CR0_ATSCHK,
  CR0_SMMUEN,
  CR2_REC_CFG_ATS,
  CR2_RECINVSID,
  IDR0_ATS,
  IDR5_GRAN4K,
  IDR5_GRAN16K,
} from '../layout/smmu-registers';
import { STE_EATS, STE_EATS_FULL } from '../layout/ste';
import {
  THREAD_ATTRIBUTES,
  THREAD_CFG,
  THREAD_EVENT,
  THREAD_IOVA,
  THREAD_PA,
  THREAD_PA_SIZE,
  THREAD_SID,
  THREAD_SSID,
} from '../layout/thread-memory';
import { bits } from '../lib/fields';
import { configure } from './configure';
import { event, recordEvent, translationFault } from './faults';
import { bypass, translate } from './translate';

// Tables may change between the lookups of one request. The last try leaves out write
// access.
const REQUEST_TRIES = 4;

/**
 * Whether the configuration in THREAD_CFG permits ATS (the effective STE.EATS; reading
 * the STE has already replaced EATS by 0 where no stage translates).
 */
function atsOn(smmu: usize): bool {
  if (!bits(atomic.load<u32>(smmu, SMMU_AT_IDR0), IDR0_ATS)) return false;
  return bits(load<u32>(THREAD + THREAD_CFG, CFG_STE2), STE_EATS) == STE_EATS_FULL;
}

function eventId(): u32 {
  return bits(load<u32>(THREAD, THREAD_EVENT), EVT_ID);
}

/** Whether THREAD_CFG has an STE: configuring the stream did not fail before that. */
function steKnown(): bool {
  return load<u32>(THREAD + THREAD_CFG, CFG_CONFIG) != 0;
}

/**
 * Records THREAD_EVENT if CR2 enables the recording of configuration errors of ATS
 * traffic.
 */
function recordIfWanted(smmu: usize): void {
  if (bits(atomic.load<u32>(smmu, SMMU_AT_CR2), CR2_REC_CFG_ATS)) recordEvent(smmu);
}

/**
 * The endpoint may not send translation requests: records that, and completes the request
 * as unsupported.
 */
function badRequest(smmu: usize): i32 {
  event(F_BAD_ATS_TREQ);
  recordEvent(smmu);
  return ATS_UR;
}

/**
 * A completion without any access, for a block of the smallest granule. The endpoint may
 * send a page request next.
 */
function denied(smmu: usize): i32 {
  const idr5 = atomic.load<u32>(smmu, SMMU_AT_IDR5);
  store<u32>(
    THREAD,
    bits(idr5, IDR5_GRAN4K) ? 12 : bits(idr5, IDR5_GRAN16K) ? 14 : 16,
    THREAD_PA_SIZE,
  );
  return ATS_SUCCESS;
}

/**
 * The completion of a request whose translation has failed with the fault in
 * THREAD_EVENT.
 */
function failed(smmu: usize): i32 {
  const id = eventId();
  // Config 0: the stream is refused without a record.
  if (id == 0) return ATS_UR;
  if (steKnown() && !atsOn(smmu)) return badRequest(smmu);
  if (translationFault()) return denied(smmu);
  if (id != C_BAD_STREAMID || bits(atomic.load<u32>(smmu, SMMU_AT_CR2), CR2_RECINVSID))
    recordIfWanted(smmu);
  return ATS_CA;
}

/**
 * Translates for one kind of access: true when it is permitted, with the address in the
 * thread block.
 */
function allowed(
  smmu: usize,
  sid: u32,
  ssid: i32,
  iovaLo: u32,
  iovaHi: u32,
  attributes: u32,
): bool {
  return translate(smmu, sid, ssid, iovaLo, iovaHi, attributes | ACCESS_ATS_REQUEST) == 0;
}

/**
 * True when only a missing permission refused the last lookup: another kind of access may
 * be permitted.
 */
function permissionOnly(): bool {
  return steKnown() && eventId() == F_PERMISSION;
}

/**
 * An ATS Translation Request. Fills THREAD_PA and THREAD_PA_SIZE with the translated
 * block; destroys all other scratch words of the thread block.
 * @param attributes ACCESS_WRITE: the No-Write flag is clear. ACCESS_PRIVILEGED and
 *   ACCESS_INSTRUCTION count only with a SubstreamID (IHI 0070 section 13.7).
 * @returns ATS_SUCCESS, ATS_UR or ATS_CA; the bits from ATS_GRANTED_SHIFT on are the
 *   granted ATS_* permissions. ATS_SUCCESS without any is a denial.
 */
export function translationRequest(
  smmu: usize,
  sid: u32,
  ssid: i32,
  iovaLo: u32,
  iovaHi: u32,
  attributes: u32,
): i32 {
  atomic.add<i32>(smmu + SMMU_AT_STATS, 1, STAT_ATS_REQUESTS);
  const privilege = ssid < 0 ? 0 : attributes & ACCESS_PRIVILEGED;
  const execute = ssid >= 0 && (attributes & ACCESS_INSTRUCTION) != 0;
  if (!bits(atomic.load<u32>(smmu, SMMU_AT_CR0), CR0_SMMUEN)) {
    begin(
      sid,
      ssid < 0 ? u32(CFG_NO_SSID) : u32(ssid),
      (u64(iovaHi) << 32) | u64(iovaLo),
      attributes,
    );
    return badRequest(smmu);
  }
  for (let i = 1; i <= REQUEST_TRIES; i++) {
    let granted: u32 = 0;
    let pa: u64 = 0;
    let size: u32 = 0;
    // All granted permissions have to be of the same block, even if tables change during
    // the request.
    let torn = false;
    if (allowed(smmu, sid, ssid, iovaLo, iovaHi, privilege)) {
      if (!atsOn(smmu)) return badRequest(smmu);
      granted = ATS_READ;
      pa = load<u64>(THREAD, THREAD_PA);
      size = load<u32>(THREAD, THREAD_PA_SIZE);
    } else if (!permissionOnly() || !atsOn(smmu)) {
      return failed(smmu);
    }
    if (
      attributes & ACCESS_WRITE &&
      i < REQUEST_TRIES &&
      allowed(smmu, sid, ssid, iovaLo, iovaHi, privilege | ACCESS_WRITE)
    ) {
      const same = load<u64>(THREAD, THREAD_PA) == pa && load<u32>(THREAD, THREAD_PA_SIZE) == size;
      torn = granted != 0 && !same;
      granted |= ATS_WRITE;
      pa = load<u64>(THREAD, THREAD_PA);
      size = load<u32>(THREAD, THREAD_PA_SIZE);
    }
    // Execution implies reading.
    if (
      execute &&
      granted & ATS_READ &&
      allowed(smmu, sid, ssid, iovaLo, iovaHi, privilege | ACCESS_INSTRUCTION) &&
      load<u64>(THREAD, THREAD_PA) == pa
    )
      granted |= ATS_EXECUTE;
    if (torn) continue;
    if (granted == 0) break;
    store<u64>(THREAD, pa, THREAD_PA);
    store<u32>(THREAD, size, THREAD_PA_SIZE);
    return ATS_SUCCESS | i32(granted << ATS_GRANTED_SHIFT);
  }
  return denied(smmu);
}

/**
 * Stores the fields of a transaction that an event record carries into the thread block.
 */
function begin(sid: u32, ssid: u32, address: u64, attributes: u32): void {
  store<u32>(THREAD, sid, THREAD_SID);
  store<u32>(THREAD, ssid, THREAD_SSID);
  store<u64>(THREAD, address, THREAD_IOVA);
  store<u32>(THREAD, attributes, THREAD_ATTRIBUTES);
}

/**
 * A transaction whose address is already translated. Fills the access, and THREAD_PA and
 * THREAD_PA_SIZE or THREAD_EVENT; otherwise like `configure`.
 * @returns whether it may access that address. An address beyond OAS is refused without a
 *   record.
 */
export function translatedAccess(smmu: usize, sid: u32, address: u64, attributes: u32): bool {
  begin(sid, u32(CFG_NO_SSID), address, attributes);
  const cr0 = atomic.load<u32>(smmu, SMMU_AT_CR0);
  if (!bits(cr0, CR0_SMMUEN)) return forbid(smmu);
  if (bits(cr0, CR0_ATSCHK)) {
    const configured = configure(smmu, sid, u32(CFG_NO_SSID));
    // The CD is not used, but the lack of one for such a transaction is an error
    // nevertheless.
    const id = configured ? 0 : eventId();
    if (!configured && (!steKnown() || id == C_BAD_SUBSTREAMID || id == F_STREAM_DISABLED)) {
      if (id != 0) recordIfWanted(smmu);
      return false;
    }
    if (!atsOn(smmu)) return forbid(smmu);
  }
  return bypass(smmu, address);
}

function forbid(smmu: usize): bool {
  event(F_TRANSL_FORBIDDEN);
  recordEvent(smmu);
  return false;
}
