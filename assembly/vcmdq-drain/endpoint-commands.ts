// SPDX-License-Identifier: MIT
// Commands for the endpoint that uses a stream: ATC_INV, PRI_RESP, RESUME, STALL_TERM
// (IHI 0070 sections 4.5 and 4.7). On a queue that a guest writes, the StreamID is a
// virtual one, and it must match a stream that the host has assigned to the guest.

import { ACCESS_NO_SSID } from '../layout/access';
import { PRG_FAILURE, PRG_INVALID, PRG_SUCCESS, SMMU_AT_ATC_PORTS } from '../layout/ats-memory';
import {
  CMDQV_SIDS_PER_VINTF,
  SID_MATCH_ENABLE,
  SID_MATCH_VIRT_SID,
} from '../layout/cmdqv-registers';
import {
  ATC_INV_GLOBAL,
  ATC_INV_SIZE,
  ATC_INV_SIZE_ALL,
  CMD_SSID,
  CMD_SSV,
  PRI_RESP_INDEX,
  PRI_RESP_INVALID,
  PRI_RESP_RESPONSE,
  PRI_RESP_SUCCESS,
  RESUME_AB,
  RESUME_AC,
  RESUME_STAG,
} from '../layout/commands';
import {
  CTX_HYP_OWN,
  CTX_SID_MATCH,
  CTX_SID_REPLACE,
  CTX_SMMU_OFF,
  CTX_STREAM_COUNT,
  CTX_STREAMS,
  MAX_STREAMS,
  STREAM_ENTRY_SIZE,
} from '../layout/context-memory';
import { SMMU_AT_CR0, SMMU_AT_IDR0, SMMU_AT_IDR1 } from '../layout/smmu-memory';
import { CR0_SMMUEN, IDR0_TERM_MODEL, IDR1_SSIDSIZE } from '../layout/smmu-registers';
import { STALL_ABORT, STALL_RAZWI, STALL_RETRY } from '../layout/stall-memory';
import { bits, maskOf, shiftOf } from '../lib/fields';
import { answerGroup, invalidateAtc, NO_PORT, portOf } from '../smmu-core/atc';
import { stallResume, stallTerminate } from '../smmu-core/stall';
import { awaitPort } from './atc-wait';
import { callHost } from './ownership';

const NO_SID: u64 = u64(-1);
/** Address[63:12]. */
const PAGE_ADDRESS: u64 = 0xfffffffffffff000;

// Whether a SID_MATCH register matches a virtual StreamID: both fields by one comparison,
// in 64 bits, as a StreamID may be wider than VIRT_SID.
function matches(match: u32, virtSid: u64): bool {
  const read = match & (maskOf(SID_MATCH_ENABLE) | maskOf(SID_MATCH_VIRT_SID));
  return u64(read) == ((virtSid << shiftOf(SID_MATCH_VIRT_SID)) | maskOf(SID_MATCH_ENABLE));
}

// The physical StreamID of a virtual one: SID_REPLACE of the pair whose VIRT_SID matches,
// or an entry of the context's stream table. NO_SID when neither matches.
function physicalSid(context: usize, virtSid: u64): u64 {
  for (let i: usize = 0; i < <usize>(CMDQV_SIDS_PER_VINTF << 2); i += 4) {
    const match = atomic.load<u32>(context + i, CTX_SID_MATCH);
    if (matches(match, virtSid)) {
      return u64(atomic.load<u32>(context + i, CTX_SID_REPLACE));
    }
  }
  return furtherSid(context, virtSid);
}

function furtherSid(context: usize, virtSid: u64): u64 {
  const count = min(atomic.load<u32>(context, CTX_STREAM_COUNT), <u32>MAX_STREAMS);
  const table = usize(load<u32>(context, CTX_STREAMS));
  for (let i: u32 = 0; i < count; i++) {
    const entry = table + i * STREAM_ENTRY_SIZE;
    const physical = atomic.load<u32>(entry, 4);
    if (physical != 0 && atomic.load<u32>(entry) == u32(virtSid)) return u64(physical - 1);
  }
  return NO_SID;
}

// The physical StreamID of a command: NO_SID when the stream is not one of the context's.
function streamOf(context: usize, d0: u64): u64 {
  return load<u32>(context, CTX_HYP_OWN) != 0 ? d0 >> 32 : physicalSid(context, d0 >> 32);
}

// ATC_INV and PRI_RESP have no effect, and are no error, while SMMUEN is 0 (IHI 0070
// sections 4.5.1 and 4.5.2). This concerns both the SMMU that owns the queue and the
// physical SMMU.
function switchedOff(smmu: usize, context: usize): bool {
  return (
    !bits(atomic.load<u32>(smmu, SMMU_AT_CR0), CR0_SMMUEN) ||
    atomic.load<i32>(context, CTX_SMMU_OFF) != 0
  );
}

// The PASID that ATC_INV or PRI_RESP names, ACCESS_NO_SSID for none. Without PASID
// support SSV is ignored, which is our choice: sections 4.5.1 and 4.5.2 leave it open.
function pasidOf(smmu: usize, d0: u64): i32 {
  if (!bits(u32(d0), CMD_SSV) || !bits(atomic.load<u32>(smmu, SMMU_AT_IDR1), IDR1_SSIDSIZE))
    return ACCESS_NO_SSID;
  return i32(bits(u32(d0), CMD_SSID));
}

/**
 * True for an ATC_INV without effect: no endpoint has an ATC, and the StreamID is
 * physical (`asWritten`) or that of the first SID pair. Many guests have one device
 * without an ATC, and a call of `atcInv` would cost every command of a batch its
 * registers.
 */
export function isAtcInvIdle(smmu: usize, context: usize, asWritten: bool, d0: u64): bool {
  return (
    atomic.load<u32>(smmu, SMMU_AT_ATC_PORTS) == 0 &&
    (asWritten || matches(atomic.load<u32>(context, CTX_SID_MATCH), d0 >> 32))
  );
}

/**
 * ATC_INV. `asWritten`: the StreamID is a physical one. False when the StreamID matches
 * no stream.
 */
export function atcInv(
  smmu: usize,
  queue: usize,
  context: usize,
  asWritten: bool,
  d0: u64,
  d1: u64,
): bool {
  let sid = d0 >> 32;
  if (!asWritten) {
    sid = physicalSid(context, sid);
    if (sid == NO_SID) return switchedOff(smmu, context);
  }
  const port = portOf(smmu, u32(sid));
  if (port == NO_PORT || switchedOff(smmu, context)) return true;
  // Without SSV, or with Global, an endpoint drops the addresses for every PASID.
  const pasid = bits(u32(d0), ATC_INV_GLOBAL) ? ACCESS_NO_SSID : pasidOf(smmu, d0);
  const waiting = invalidateAtc(
    smmu,
    port,
    d1 & PAGE_ADDRESS,
    min(bits(u32(d1), ATC_INV_SIZE), <u32>ATC_INV_SIZE_ALL) + 12,
    pasid,
  );
  if (waiting != 0) awaitPort(smmu, queue, waiting);
  return true;
}

/** PRI_RESP of the host. The guest's own SMMU model handles those of a guest. */
export function priResponse(smmu: usize, context: usize, d0: u64, d1: u64): void {
  if (switchedOff(smmu, context)) return;
  const response = bits(u32(d1), PRI_RESP_RESPONSE);
  const answer: u32 =
    response == PRI_RESP_SUCCESS
      ? PRG_SUCCESS
      : response == PRI_RESP_INVALID
        ? PRG_INVALID
        : PRG_FAILURE;
  answerGroup(smmu, u32(d0 >> 32), pasidOf(smmu, d0), bits(u32(d1), PRI_RESP_INDEX), answer);
  callHost();
}

/** RESUME. No effect unless it names a stalled transaction of a stream of the context. */
export function resume(smmu: usize, context: usize, d0: u64, d1: u64): void {
  const sid = streamOf(context, d0);
  if (sid == NO_SID) return;
  let answer: u32 = STALL_RETRY;
  if (!bits(u32(d0), RESUME_AC)) {
    const abort =
      bits(u32(d0), RESUME_AB) != 0 ||
      bits(atomic.load<u32>(smmu, SMMU_AT_IDR0), IDR0_TERM_MODEL) != 0;
    answer = abort ? STALL_ABORT : STALL_RAZWI;
  }
  stallResume(smmu, u32(sid), bits(u32(d1), RESUME_STAG), answer);
  callHost();
}

/** STALL_TERM: terminates every stalled transaction of a stream of the context. */
export function stallTerm(smmu: usize, context: usize, d0: u64): void {
  const sid = streamOf(context, d0);
  if (sid == NO_SID) return;
  stallTerminate(smmu, u32(sid));
  callHost();
}
