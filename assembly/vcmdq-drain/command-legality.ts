// SPDX-License-Identifier: MIT
// Which commands are legal. Used by the loop of run-commands.ts, which executes the
// frequent commands itself, and by execute.ts, which executes the rest. The opcode is
// checked against the action table of the queue (assembly/layout/action-memory.ts), minus
// the commands that the SMMU presented to the guest lacks (CTX_LACKS); the fields are
// checked by the functions below (IHI 0070 section 4).

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

/** The command is legal. */
export const LEGAL: u32 = 0;
/** Values from here on mean CERROR_ILL; the STAT_* offset of the reason is added. */
export const ILLEGAL: u32 = 0x100;

/** The action table of a queue kind. */
export function actionsOf(smmu: usize, kind: u32): usize {
  return smmu + SMMU_AT_ACTIONS + kind * ACTIONS_STRIDE;
}

/**
 * Records that a guest has used `lacked`, a bit of CTX_LACKS. True when the use is only
 * recorded, not refused.
 */
function recorded(context: usize, lacked: u32): bool {
  if (!bits(load<u32>(context, CTX_LACKS), LACKS_RECORDED)) return false;
  if (!(atomic.load<u32>(context, CTX_BEYOND) & lacked))
    atomic.or<u32>(context, lacked, CTX_BEYOND);
  return true;
}

/**
 * The ACTION_* of a command from its queue's action table. A command with SSec is illegal
 * on a Non-secure queue. `isLacked` checks what the guest's SMMU lacks.
 */
export function actionOf(actions: usize, d0: u64): u32 {
  return bits(u32(d0), CMD_SSEC) ? <u32>ACTION_ILLEGAL : <u32>load<u8>(actions + (u32(d0) & 0xff));
}

/**
 * Whether a command is illegal because the guest's SMMU lacks it. On a VCMDQ its use is
 * recorded, and it stays legal.
 */
export function isLacked(context: usize, action: u32): bool {
  const lacked = load<u32>(context, CTX_LACKS) & ((<u32>1) << action);
  return lacked != 0 && !recorded(context, lacked);
}

/**
 * Doubleword 1 of a TLBI by address, as the SMMU presented to the guest reads it: without
 * range invalidation NUM, SCALE, TG and TTL are reserved, and this SMMU ignores them (IHI
 * 0070 section 4.1.5). TG = 0 makes all four ignored.
 */
export function asShown(context: usize, d1: u64): u64 {
  const lacked = load<u32>(context, CTX_LACKS) & maskOf(LACKS_RANGES);
  return lacked == 0 || !hasGranule(d1) || recorded(context, lacked)
    ? d1
    : d1 & ~u64(maskOf(TLBI_TG));
}

/**
 * Whether a command is a TLBI by address. This includes a TLBI_NH_VAA that is left to the
 * host, so that it is refused for the same reason as on a queue that executes it itself.
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

// CMD_SYNC: a VCMDQ accepts only CS = 0; CS = 3 is reserved on every queue.
function syncLegality(kind: u32, d0: u64): u32 {
  const cs = bits(u32(d0), SYNC_CS);
  const onVcmdq = kind == QUEUE_KIND_VCMDQ_GUEST || kind == QUEUE_KIND_VCMDQ_HYP;
  return (onVcmdq && cs != SYNC_CS_NONE) || cs > <u32>SYNC_CS_SEV ? ILLEGAL + STAT_ILL_CS : LEGAL;
}

/**
 * Whether a command is legal, by its action and its fields.
 * @param kind QUEUE_KIND_* of the queue.
 * @param action the result of `actionOf`.
 * @returns LEGAL, or ILLEGAL plus the STAT_* offset of the reason.
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
