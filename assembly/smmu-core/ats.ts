// SPDX-License-Identifier: MIT
// ATS as the SMMU sees it (IHI 0070 sections 3.9.1.2 and 3.9.1.3): translation requests,
// which the translation of ordinary transactions carries out but which neither stall nor
// record their faults, and transactions whose address is translated already.

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

// Tables that change between the looks of one request: after this many the weaker answer is given.
const REQUEST_TRIES = 4;

/**
 * Whether the configuration in THREAD_CFG lets ATS through (the effective STE.EATS;
 * Config 4 has been taken for 0 when the STE was read).
 */
function atsOn(smmu: usize): bool {
  if (!bits(atomic.load<u32>(smmu, SMMU_AT_IDR0), IDR0_ATS)) return false;
  return bits(load<u32>(THREAD + THREAD_CFG, CFG_STE2), STE_EATS) == STE_EATS_FULL;
}

function eventId(): u32 {
  return bits(load<u32>(THREAD, THREAD_EVENT), EVT_ID);
}

/** Whether there is an STE to go by: configuring a stream has got as far as that. */
function steKnown(): bool {
  return load<u32>(THREAD + THREAD_CFG, CFG_CONFIG) != 0;
}

/** Records THREAD_EVENT, if CR2 wants configuration errors of ATS traffic recorded. */
function recordIfWanted(smmu: usize): void {
  if (bits(atomic.load<u32>(smmu, SMMU_AT_CR2), CR2_REC_CFG_ATS)) recordEvent(smmu);
}

/** The endpoint may not ask. */
function badRequest(smmu: usize): i32 {
  event(F_BAD_ATS_TREQ);
  recordEvent(smmu);
  return ATS_UR;
}

/** No access, in a block of the smallest translation unit. PRI may make something of it. */
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
 * The completion of a request whose translation has failed; the fault stands in
 * THREAD_EVENT.
 */
function failed(smmu: usize): i32 {
  const id = eventId();
  // Config 0: the stream is refused, and nobody is told.
  if (id == 0) return ATS_UR;
  if (steKnown() && !atsOn(smmu)) return badRequest(smmu);
  if (translationFault()) return denied(smmu);
  if (id != C_BAD_STREAMID || bits(atomic.load<u32>(smmu, SMMU_AT_CR2), CR2_RECINVSID))
    recordIfWanted(smmu);
  return ATS_CA;
}

/** One kind of access: true when it is let through; the address then stands in the thread block. */
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

/** True when a refused look was refused for want of permission: another kind of access may be let through. */
function permissionOnly(): bool {
  return steKnown() && eventId() == F_PERMISSION;
}

/**
 * An ATS Translation Request. Fills THREAD_PA and THREAD_PA_SIZE with the translated
 * block; destroys all other scratch words of the thread block.
 * @param attributes ACCESS_WRITE: the No-Write flag is clear. ACCESS_PRIVILEGED and
 *   ACCESS_INSTRUCTION count with a SubstreamID only (IHI 0070 section 13.7).
 * @returns ATS_SUCCESS, ATS_UR or ATS_CA; above it, from ATS_GRANTED_SHIFT on, what is
 *   granted: none of ATS_* is a denial.
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
    // What is granted has to be of one and the same block, however tables change meanwhile.
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

/** Puts into the thread block what an event record says of a transaction. */
function begin(sid: u32, ssid: u32, address: u64, attributes: u32): void {
  store<u32>(THREAD, sid, THREAD_SID);
  store<u32>(THREAD, ssid, THREAD_SSID);
  store<u64>(THREAD, address, THREAD_IOVA);
  store<u32>(THREAD, attributes, THREAD_ATTRIBUTES);
}

/**
 * A transaction whose address is translated already. Fills the access, and THREAD_PA and
 * THREAD_PA_SIZE or THREAD_EVENT; otherwise as `configure`.
 * @returns whether it may go to that address. An address beyond OAS is refused without a
 *   record.
 */
export function translatedAccess(smmu: usize, sid: u32, address: u64, attributes: u32): bool {
  begin(sid, u32(CFG_NO_SSID), address, attributes);
  const cr0 = atomic.load<u32>(smmu, SMMU_AT_CR0);
  if (!bits(cr0, CR0_SMMUEN)) return forbid(smmu);
  if (bits(cr0, CR0_ATSCHK)) {
    const configured = configure(smmu, sid, u32(CFG_NO_SSID));
    // Of the CD nothing is looked at; that there is none for such a transaction is an error of it all the same.
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
