// Commands that are for an endpoint behind a stream: ATC_INV, RESUME, STALL_TERM (IHI 0070 sections 4.5 and 4.7). On a queue that a guest writes
// their StreamID is the guest's number, and only a stream that its host has given it is meant.

import { CMDQV_SIDS_PER_VINTF, SID_MATCH_ENABLE, SID_MATCH_VIRT_SID } from '../layout/cmdqv-registers';
import { RESUME_AB, RESUME_AC, RESUME_STAG } from '../layout/commands';
import {
  ATC_PORT_COMPLETIONS,
  ATC_PORT_REQUESTS,
  ATC_PORT_SID,
  ATC_PORT_STRIDE,
  ATC_PORTS,
  CTX_HYP_OWN,
  CTX_SID_MATCH,
  CTX_SID_REPLACE,
  SMMU_AT_ATC,
  SMMU_AT_ATC_PORTS,
  SMMU_AT_IDR0,
  STALL_ABORT,
  STALL_RAZWI,
  STALL_RETRY,
} from '../layout/host-memory';
import { IDR0_TERM_MODEL } from '../layout/smmu-registers';
import { bits } from '../lib/fields';
import { stallResume, stallTerminate } from '../smmu-core/stall';
import { callHost } from './ownership';

const NO_SID: u64 = u64(-1);

// StreamID that a guest's command means: the pair whose VIRT_SID matches. NO_SID when none does.
function physicalSid(context: usize, virtSid: u32): u64 {
  for (let i: usize = 0; i < <usize>(CMDQV_SIDS_PER_VINTF << 2); i += 4) {
    const match = atomic.load<u32>(context + i, CTX_SID_MATCH);
    if (bits(match, SID_MATCH_ENABLE) && bits(match, SID_MATCH_VIRT_SID) == virtSid) {
      return u64(atomic.load<u32>(context + i, CTX_SID_REPLACE));
    }
  }
  return NO_SID;
}

// Delivers the request to the endpoint. One without an ATC has nothing to invalidate and answers at once.
function invalidateAtc(smmu: usize, sid: u32): void {
  const ports = min(atomic.load<u32>(smmu, SMMU_AT_ATC_PORTS), <u32>ATC_PORTS);
  for (let i: u32 = 0; i < ports; i++) {
    const port = smmu + SMMU_AT_ATC + i * ATC_PORT_STRIDE;
    if (atomic.load<u32>(port, ATC_PORT_SID) != sid + 1) continue;
    atomic.add<i32>(port, 1, ATC_PORT_REQUESTS);
    atomic.add<i32>(port, 1, ATC_PORT_COMPLETIONS);
  }
}

/** ATC_INV. `asWritten`: the StreamID is a physical one. False when it matches none. */
export function atcInv(smmu: usize, context: usize, asWritten: bool, d0: u64): bool {
  let sid = d0 >> 32;
  if (!asWritten) {
    sid = physicalSid(context, u32(sid));
    if (sid == NO_SID) return false;
  }
  invalidateAtc(smmu, u32(sid));
  return true;
}

// The physical StreamID of a command that has no effect on streams that are not the context's.
function streamOf(context: usize, d0: u64): u64 {
  return load<u32>(context, CTX_HYP_OWN) != 0 ? d0 >> 32 : physicalSid(context, u32(d0 >> 32));
}

/** RESUME. What does not name a stalled transaction of the context's own streams has no effect. */
export function resume(smmu: usize, context: usize, d0: u64, d1: u64): void {
  const sid = streamOf(context, d0);
  if (sid == NO_SID) return;
  let answer: u32 = STALL_RETRY;
  if (!bits(u32(d0), RESUME_AC)) {
    const abort = bits(u32(d0), RESUME_AB) != 0 || bits(atomic.load<u32>(smmu, SMMU_AT_IDR0), IDR0_TERM_MODEL) != 0;
    answer = abort ? STALL_ABORT : STALL_RAZWI;
  }
  stallResume(smmu, u32(sid), bits(u32(d1), RESUME_STAG), answer);
  callHost();
}

export function stallTerm(smmu: usize, context: usize, d0: u64): void {
  const sid = streamOf(context, d0);
  if (sid == NO_SID) return;
  stallTerminate(smmu, u32(sid));
  callHost();
}
