// SPDX-License-Identifier: MIT
// Executes one command: check (command-legality.ts), substitute, act (IHI 0070 section 4;
// docs/cmdqv.md for VMID and StreamID substitution). The doublewords were read from the
// ring once; nothing here reads the ring again.

import {
  ACTION_ATC_INV,
  ACTION_CFGI_CD,
  ACTION_CFGI_CD_ALL,
  ACTION_CFGI_STE,
  ACTION_CFGI_STE_RANGE,
  ACTION_HOST,
  ACTION_ILLEGAL,
  ACTION_PRI_RESP,
  ACTION_RESUME,
  ACTION_STALL_TERM,
  ACTION_SYNC,
  ACTION_TLBI_EL2_ALL,
  ACTION_TLBI_EL2_ASID,
  ACTION_TLBI_EL2_VA,
  ACTION_TLBI_EL2_VAA,
  ACTION_TLBI_NH_ALL,
  ACTION_TLBI_NH_ASID,
  ACTION_TLBI_NH_VA,
  ACTION_TLBI_NH_VAA,
  ACTION_TLBI_NSNH_ALL,
  ACTION_TLBI_S2_IPA,
  ACTION_TLBI_S12_VMALL,
} from '../layout/action-memory';
import { CFGI_LEAF, CFGI_RANGE, CMD_SSID, TLBI_ASID, TLBI_VMID } from '../layout/commands';
import { CFG_SETS, CFG_WAYS } from '../layout/config-cache-memory';
import { CTX_HYP_OWN, CTX_VMID } from '../layout/context-memory';
import { QUEUE_KIND_MAIN, QUEUE_KIND_VCMDQ_HYP, QUEUE_REWRITES } from '../layout/queue-memory';
import { CFGI_OF_CD, CFGI_OF_CDS, CFGI_OF_STE, TLBI_OF_STAGE2 } from '../layout/shadow-memory';
import { SMMU_AT_CR2, SMMU_AT_STATS, STAT_CFGI, STAT_ILL_SID } from '../layout/smmu-memory';
import { CR2_E2H } from '../layout/smmu-registers';
import { MAX_STALLS } from '../layout/stall-memory';
import { VMID_E2H, VMID_EL2 } from '../layout/vmid-memory';
import { bits } from '../lib/fields';
import { EVERY_SSID, invalidateConfig, invalidateConfigRange } from '../smmu-core/config-cache';
import { killAll, killAsid, killVmid, touch, vmidBlock } from '../smmu-core/generations';
import { ANY_ASID, invalidateIpa, invalidateVa } from '../smmu-core/invalidate';
import { cfgiDone, tlbiDone } from '../smmu-core/judged';
import { withVisited } from '../smmu-core/service-work';
import {
  actionOf,
  actionsOf,
  asShown,
  ILLEGAL,
  isLacked,
  LEGAL,
  legality,
  namesAddress,
} from './command-legality';
import { atcInv, priResponse, resume, stallTerm } from './endpoint-commands';

// Results of `execute`, apart from the ILLEGAL ones, which `legality` returns.
/** The command was LEGAL and has been executed. */
export const DONE: u32 = LEGAL;
/** The command is a CMD_SYNC; the caller executes it. */
export const SYNC: u32 = 1;
/** The command is left to the host. */
export const HOST: u32 = 2;

/**
 * Cost of visiting every set of the configuration cache, or every stalled transaction, in
 * IOTLB blocks.
 */
const EVERY_CONFIG: u32 = CFG_SETS * CFG_WAYS;
const EVERY_STALL: u32 = MAX_STALLS / 4;

function cfgi(smmu: usize): void {
  atomic.add<i32>(smmu + SMMU_AT_STATS, 1, STAT_CFGI);
}

// The VMID that a command acts on: the context's, regardless of the VMID that a guest
// wrote. The loop of run-commands.ts repeats this code: sharing it costs that loop
// registers, and 5 % of its speed with a full IOTLB.
function vmidOf(queue: usize, context: usize, d0: u64): u32 {
  const written = bits(u32(d0 >> 32), TLBI_VMID);
  if (load<u32>(context, CTX_HYP_OWN) != 0) return written;
  const vmid = atomic.load<u32>(context, CTX_VMID);
  if (vmid != written) store<i64>(queue, load<i64>(queue, QUEUE_REWRITES) + 1, QUEUE_REWRITES);
  return vmid;
}

// Executes an invalidation that raises the generation by itself. Returns the blocks
// visited.
function invalidate(smmu: usize, action: u32, vmid: u32, d0: u64, d1: u64): u32 {
  const block = vmidBlock(smmu, vmid);
  if (action == ACTION_TLBI_S2_IPA) return invalidateIpa(smmu, vmid, d0, d1);
  const generation = touch(block);
  const asid = bits(u32(d0 >> 32), TLBI_ASID);
  if (action == ACTION_TLBI_NH_VA) return invalidateVa(smmu, vmid, asid, d0, d1);
  if (action == ACTION_TLBI_NH_VAA) return invalidateVa(smmu, vmid, ANY_ASID, d0, d1);
  if (action == ACTION_TLBI_NH_ASID) killAsid(block, asid, generation);
  else killVmid(block, generation);
  if (action == ACTION_TLBI_S12_VMALL) tlbiDone(smmu, TLBI_OF_STAGE2, vmid, ANY_ASID, 0, 0);
  return 0;
}

// Invalidates entries of EL2, or of EL2-E2H, depending on CR2.E2H; EL2 has no ASIDs (IHI
// 0070 section 4.4.2). Returns the blocks visited.
function invalidateEl2(smmu: usize, action: u32, d0: u64, d1: u64): u32 {
  const el2 = vmidBlock(smmu, VMID_EL2);
  const e2h = vmidBlock(smmu, VMID_E2H);
  const asid = bits(u32(d0 >> 32), TLBI_ASID);
  if (action == ACTION_TLBI_EL2_ALL) {
    killVmid(el2, touch(el2));
    killVmid(e2h, touch(e2h));
    return 0;
  }
  if (action == ACTION_TLBI_EL2_ASID) {
    killAsid(e2h, asid, touch(e2h));
    return 0;
  }
  if (!bits(atomic.load<u32>(smmu, SMMU_AT_CR2), CR2_E2H)) {
    touch(el2);
    return invalidateVa(smmu, VMID_EL2, ANY_ASID, d0, d1);
  }
  touch(e2h);
  return invalidateVa(smmu, VMID_E2H, action == ACTION_TLBI_EL2_VA ? asid : ANY_ASID, d0, d1);
}

/**
 * Executes one command, except CMD_SYNC.
 * @param kind QUEUE_KIND_* of the queue.
 * @param d0 doubleword 0 of the command.
 * @param d1 doubleword 1.
 * @returns DONE, SYNC, HOST or a result of `legality`, for `resultOf` and `visitedBy`.
 */
export function execute(
  smmu: usize,
  queue: usize,
  context: usize,
  kind: u32,
  d0: u64,
  d1: u64,
): u32 {
  const listed = actionOf(actionsOf(smmu, kind), d0);
  const action = isLacked(context, listed) ? <u32>ACTION_ILLEGAL : listed;
  if (namesAddress(action, d0)) d1 = asShown(context, d1);
  const legal = legality(smmu, kind, action, d0, d1);
  if (legal != LEGAL) return legal;
  switch (action) {
    case ACTION_SYNC:
      return SYNC;
    case ACTION_TLBI_NH_ALL:
    case ACTION_TLBI_NH_ASID:
    case ACTION_TLBI_NH_VA:
    case ACTION_TLBI_NH_VAA:
    case ACTION_TLBI_S12_VMALL:
    case ACTION_TLBI_S2_IPA:
      return withVisited(DONE, invalidate(smmu, action, vmidOf(queue, context, d0), d0, d1));
    case ACTION_TLBI_EL2_ALL:
    case ACTION_TLBI_EL2_ASID:
    case ACTION_TLBI_EL2_VA:
    case ACTION_TLBI_EL2_VAA:
      return withVisited(DONE, invalidateEl2(smmu, action, d0, d1));
    case ACTION_TLBI_NSNH_ALL:
      killAll(smmu);
      return DONE;
    case ACTION_CFGI_STE:
      cfgi(smmu);
      invalidateConfig(smmu, u32(d0 >> 32), EVERY_SSID);
      cfgiDone(smmu, CFGI_OF_STE, u32(d0 >> 32), 0, 0, bits(u32(d1), CFGI_LEAF));
      return DONE;
    case ACTION_CFGI_STE_RANGE:
      cfgi(smmu);
      invalidateConfigRange(smmu, u32(d0 >> 32), bits(u32(d1), CFGI_RANGE));
      cfgiDone(smmu, CFGI_OF_STE, u32(d0 >> 32), bits(u32(d1), CFGI_RANGE) + 1, 0, 0);
      return withVisited(DONE, EVERY_CONFIG);
    case ACTION_CFGI_CD: {
      cfgi(smmu);
      // SSV is reserved in CFGI_CD: the SubstreamID is used regardless of it.
      const ssid = i64(bits(u32(d0), CMD_SSID));
      // Transactions without a SubstreamID use CD 0, so SSID 0 covers them as well: drop
      // every entry of the stream.
      invalidateConfig(smmu, u32(d0 >> 32), ssid == 0 ? EVERY_SSID : ssid);
      cfgiDone(smmu, CFGI_OF_CD, u32(d0 >> 32), 0, u32(ssid), bits(u32(d1), CFGI_LEAF));
      return DONE;
    }
    case ACTION_CFGI_CD_ALL:
      cfgi(smmu);
      invalidateConfig(smmu, u32(d0 >> 32), EVERY_SSID);
      cfgiDone(smmu, CFGI_OF_CDS, u32(d0 >> 32), 0, 0, 0);
      return DONE;
    case ACTION_HOST:
      return HOST;
    case ACTION_RESUME:
      resume(smmu, context, d0, d1);
      return DONE;
    case ACTION_STALL_TERM:
      stallTerm(smmu, context, d0);
      return withVisited(DONE, EVERY_STALL);
    // The guest's own SMMU model handles those of a guest: only it knows which page
    // request group of which stream they name.
    case ACTION_PRI_RESP:
      if (kind != QUEUE_KIND_MAIN && kind != QUEUE_KIND_VCMDQ_HYP) return HOST;
      priResponse(smmu, context, d0, d1);
      return DONE;
    // The loop of run-commands.ts has tried it already.
    case ACTION_ATC_INV:
      return atcInv(smmu, queue, context, load<u32>(context, CTX_HYP_OWN) != 0, d0, d1)
        ? DONE
        : ILLEGAL + STAT_ILL_SID;
    // ACTION_NONE: no effect.
    default:
      return DONE;
  }
}
