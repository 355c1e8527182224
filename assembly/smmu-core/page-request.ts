// SPDX-License-Identifier: MIT
// Page requests of endpoints (PCIe PRI; IHI 0070 chapter 8): the PRI queue, its overflow,
// and the responses that the SMMU generates.

import { THREAD_ID } from '../imports/unit';
import { ACCESS_INSTRUCTION, ACCESS_MORE, ACCESS_PRIVILEGED, ACCESS_WRITE } from '../layout/access';
import {
  PRG_FAILURE,
  PRG_SUCCESS,
  PRG_WAITING,
  SMMU_AT_PRIQ_ABORT,
  SMMU_AT_PRIQ_BASE,
  SMMU_AT_PRIQ_CONS,
  SMMU_AT_PRIQ_LOG2SIZE,
  SMMU_AT_PRIQ_OWNER,
  SMMU_AT_PRIQ_PROD,
} from '../layout/ats-memory';
import { HOST_AT_ATTENTION } from '../layout/host-memory';
import {
  PPR_EXEC,
  PPR_INDEX,
  PPR_LAST,
  PPR_PRIV,
  PPR_READ,
  PPR_SSID,
  PPR_SSV,
  PPR_WRITE,
} from '../layout/page-requests';
import {
  EVENTQ_ABORTED,
  SMMU_AT_CR0,
  SMMU_AT_STATS,
  STAT_PAGE_REQUESTS,
  STAT_PRI_AUTO,
} from '../layout/smmu-memory';
import { CR0_PRIQEN, CR0_SMMUEN, PRIQ_ENTRY_SIZE, Q_OVFLG } from '../layout/smmu-registers';
import { bits, maskOf, placed } from '../lib/fields';
import { locate, NOWHERE, storeAt } from './physical-memory';

/**
 * Another producer locks the queue for about 20 ns; after this many tries it counts as
 * full.
 */
const SPINS = 10000;

const PAGE_MASK: u64 = 0xfffffffffffff000;

// While PRIQ_ABT_ERR is unacknowledged, nothing is written to the queue (IHI 0070 section
// 8.2).
function open(smmu: usize): bool {
  const cr0 = atomic.load<u32>(smmu, SMMU_AT_CR0);
  return (
    bits(cr0, CR0_SMMUEN) != 0 &&
    bits(cr0, CR0_PRIQEN) != 0 &&
    atomic.load<i32>(smmu, SMMU_AT_PRIQ_ABORT) == 0
  );
}

// Writes the entry and returns PRG_WAITING, or returns the response that the SMMU
// generates, PRG_*. An overflow lasts until software has acknowledged it, whether the
// queue is still full or not.
function enqueue(smmu: usize, d0: u64, d1: u64): u32 {
  const prod = atomic.load<u32>(smmu, SMMU_AT_PRIQ_PROD);
  const cons = atomic.load<u32>(smmu, SMMU_AT_PRIQ_CONS);
  const size = (<u32>1) << (atomic.load<u32>(smmu, SMMU_AT_PRIQ_LOG2SIZE) & 31);
  const indexMask = (size << 1) - 1;
  if (((prod ^ cons) & maskOf(Q_OVFLG)) != 0) return PRG_SUCCESS;
  if (((prod ^ cons) & indexMask) == size) {
    atomic.store<u32>(smmu, prod ^ maskOf(Q_OVFLG), SMMU_AT_PRIQ_PROD);
    return PRG_SUCCESS;
  }
  const place = locate(
    atomic.load<u64>(smmu, SMMU_AT_PRIQ_BASE) + u64((prod & (size - 1)) * PRIQ_ENTRY_SIZE),
    PRIQ_ENTRY_SIZE,
  );
  if (place == NOWHERE) {
    atomic.store<i32>(smmu, EVENTQ_ABORTED, SMMU_AT_PRIQ_ABORT);
    return PRG_FAILURE;
  }
  storeAt(place, d0);
  storeAt(place + 8, d1);
  // The entry has to be visible before PROD moves.
  atomic.store<u32>(smmu, (prod & maskOf(Q_OVFLG)) | ((prod + 1) & indexMask), SMMU_AT_PRIQ_PROD);
  return PRG_WAITING;
}

// The upper word of doubleword 0 of a request. Execution and privilege are attributes of
// a PASID (IHI 0070 section 13.7).
function flagsOf(ssid: i32, attributes: u32): u32 {
  const write = (attributes & ACCESS_WRITE) != 0;
  const last: u32 = attributes & ACCESS_MORE ? 0 : maskOf(PPR_LAST);
  const flags = last | maskOf(write ? PPR_WRITE : PPR_READ);
  if (ssid < 0) return flags;
  return (
    flags |
    maskOf(PPR_SSV) |
    placed(u32(ssid), PPR_SSID) |
    placed(u32((attributes & ACCESS_PRIVILEGED) != 0), PPR_PRIV) |
    placed(u32(!write && (attributes & ACCESS_INSTRUCTION) != 0), PPR_EXEC)
  );
}

/**
 * A Page Request of an endpoint for one page; the last of its group unless ACCESS_MORE is
 * set.
 * @param ssid its PASID, ACCESS_NO_SSID for none.
 * @param group PRGIndex.
 * @returns PRG_WAITING when software will respond; otherwise the response, PRG_SUCCESS
 *   (overflow: ask again) or PRG_FAILURE. A request that is not the last gets no
 *   response, so it returns PRG_WAITING even if it is lost.
 */
export function pageRequest(
  smmu: usize,
  sid: u32,
  ssid: i32,
  iovaLo: u32,
  iovaHi: u32,
  attributes: u32,
  group: u32,
): u32 {
  atomic.add<i32>(smmu + SMMU_AT_STATS, 1, STAT_PAGE_REQUESTS);
  const flags = flagsOf(ssid, attributes);
  const page = ((u64(iovaHi) << 32) | u64(iovaLo)) & PAGE_MASK;
  let answer: u32 = PRG_FAILURE;
  if (open(smmu)) {
    answer = PRG_SUCCESS;
    for (let i = 0; i < SPINS; i++) {
      if (atomic.cmpxchg<i32>(smmu, 0, THREAD_ID, SMMU_AT_PRIQ_OWNER) != 0) continue;
      answer = enqueue(smmu, u64(sid) | (u64(flags) << 32), page | u64(placed(group, PPR_INDEX)));
      atomic.store<i32>(smmu, 0, SMMU_AT_PRIQ_OWNER);
      break;
    }
    atomic.add<i32>(0, 1, HOST_AT_ATTENTION);
  }
  if ((attributes & ACCESS_MORE) != 0) return PRG_WAITING;
  if (answer != PRG_WAITING) atomic.add<i32>(smmu + SMMU_AT_STATS, 1, STAT_PRI_AUTO);
  return answer;
}
