// SPDX-License-Identifier: MIT
// Which commands are legal: for the loop of run-commands.ts, which carries out the
// frequent ones itself, and for execute.ts, which has the others. By opcode, the queue's
// action table says it (assembly/layout/action-memory.ts), less what the SMMU that the
// guest was shown lacks (CTX_LACKS); by its fields, the functions below (IHI 0070
// section 4).

import {
  ACTION_HOST,
  ACTION_ILLEGAL,
  ACTION_PRI_RESP,
  ACTION_SYNC,
  ACTION_TLBI_EL2_VA,
  ACTION_TLBI_EL2_VAA,
  ACTION_TLBI_NH_VA,
  ACTION_TLBI_NH_VAA,
  ACTION_TLBI_S2_IPA,
  ACTIONS_STRIDE,
  SMMU_AT_ACTIONS,
} from '../layout/action-memory';
import {
  CMD_SSEC,
  OP_TLBI_NH_VAA,
  PRI_RESP_RESPONSE,
  PRI_RESP_SUCCESS,
  SYNC_CS,
  SYNC_CS_NONE,
  SYNC_CS_SEV,
  TLBI_TG,
} from '../layout/commands';
import { CTX_BEYOND, CTX_LACKS, LACKS_RANGES, LACKS_RECORDED } from '../layout/context-memory';
import { QUEUE_KIND_VCMDQ_GUEST, QUEUE_KIND_VCMDQ_HYP } from '../layout/queue-memory';
import {
  STAT_ILL_CS,
  STAT_ILL_OPCODE,
  STAT_ILL_RANGE,
  STAT_ILL_RESPONSE,
  STAT_ILL_SSEC,
} from '../layout/smmu-memory';
import { bits, maskOf } from '../lib/fields';
import { hasGranule, reservedRange } from '../smmu-core/invalidate';

/** Nothing is wrong with the command. */
export const LEGAL: u32 = 0;
/** From here on: CERROR_ILL, with the STAT_* offset of the reason on top. */
export const ILLEGAL: u32 = 0x100;

/** Action table of a queue kind. */
export function actionsOf(smmu: usize, kind: u32): usize {
  return smmu + SMMU_AT_ACTIONS + kind * ACTIONS_STRIDE;
}

/** Records that a command has met `lacked`, a bit of CTX_LACKS. True when no more than that happens. */
function recorded(context: usize, lacked: u32): bool {
  if (!bits(load<u32>(context, CTX_LACKS), LACKS_RECORDED)) return false;
  if (!(atomic.load<u32>(context, CTX_BEYOND) & lacked))
    atomic.or<u32>(context, lacked, CTX_BEYOND);
  return true;
}

/**
 * ACTION_* of a command, by the action table of its queue; a Non-secure queue has no
 * commands with SSec. What the guest's SMMU lacks is for `isLacked`.
 */
export function actionOf(actions: usize, d0: u64): u32 {
  return bits(u32(d0), CMD_SSEC) ? <u32>ACTION_ILLEGAL : <u32>load<u8>(actions + (u32(d0) & 0xff));
}

/** Whether a command is illegal as the guest's SMMU lacks it; on a VCMDQ that is recorded, and it is legal. */
export function isLacked(context: usize, action: u32): bool {
  const lacked = load<u32>(context, CTX_LACKS) & ((<u32>1) << action);
  return lacked != 0 && !recorded(context, lacked);
}

/**
 * Doubleword 1 of a TLBI by address for the SMMU that the guest was shown: without range
 * invalidation NUM, SCALE, TG and TTL are reserved, and ignored here (IHI 0070 section
 * 4.1.5). TG = 0 says so of all four.
 */
export function asShown(context: usize, d1: u64): u64 {
  const lacked = load<u32>(context, CTX_LACKS) & maskOf(LACKS_RANGES);
  return lacked == 0 || !hasGranule(d1) || recorded(context, lacked)
    ? d1
    : d1 & ~u64(maskOf(TLBI_TG));
}

/**
 * Whether a command is a TLBI by address. One that is left to the host is refused for the
 * reason that a queue has which does not wait for its host.
 */
export function namesAddress(action: u32, d0: u64): bool {
  return (
    action == ACTION_TLBI_NH_VA ||
    action == ACTION_TLBI_NH_VAA ||
    action == ACTION_TLBI_S2_IPA ||
    action == ACTION_TLBI_EL2_VA ||
    action == ACTION_TLBI_EL2_VAA ||
    (action == ACTION_HOST && (u32(d0) & 0xff) == OP_TLBI_NH_VAA)
  );
}

// CMD_SYNC: a VCMDQ has CS = 0 only; 3 is reserved everywhere.
function syncLegality(kind: u32, d0: u64): u32 {
  const cs = bits(u32(d0), SYNC_CS);
  const onVcmdq = kind == QUEUE_KIND_VCMDQ_GUEST || kind == QUEUE_KIND_VCMDQ_HYP;
  return (onVcmdq && cs != SYNC_CS_NONE) || cs > <u32>SYNC_CS_SEV ? ILLEGAL + STAT_ILL_CS : LEGAL;
}

/**
 * Whether a command is legal, by its action and its fields.
 * @param kind QUEUE_KIND_* of its queue.
 * @param action of `actionOf`.
 * @returns LEGAL, or ILLEGAL with the STAT_* offset of its reason.
 */
export function legality(smmu: usize, kind: u32, action: u32, d0: u64, d1: u64): u32 {
  switch (action) {
    case ACTION_ILLEGAL:
      return ILLEGAL + (bits(u32(d0), CMD_SSEC) ? STAT_ILL_SSEC : STAT_ILL_OPCODE);
    case ACTION_SYNC:
      return syncLegality(kind, d0);
    case ACTION_PRI_RESP:
      return bits(u32(d1), PRI_RESP_RESPONSE) > <u32>PRI_RESP_SUCCESS
        ? ILLEGAL + STAT_ILL_RESPONSE
        : LEGAL;
    default:
      return namesAddress(action, d0) && reservedRange(smmu, d0, d1)
        ? ILLEGAL + STAT_ILL_RANGE
        : LEGAL;
  }
}
