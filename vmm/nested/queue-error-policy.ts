// SPDX-License-Identifier: MIT
// A host's policy for bad commands of a VM. It is asked while the error is still private:
// nothing of it is visible to the guest.

import {
  STAT_ATC_TIMEOUT,
  STAT_FETCH_ABORT,
  STAT_ILL_CS,
  STAT_ILL_OPCODE,
  STAT_ILL_RANGE,
  STAT_ILL_RESPONSE,
  STAT_ILL_SID,
  STAT_ILL_SSEC,
} from '../../assembly/layout/smmu-memory.ts';
import { refuseAnswer } from '../../devices/plugin/answers.ts';
import type { QueueBlock } from '../../devices/unit/index.ts';
import type { Vm } from '../../host/kernel/vm.ts';

/**
 * report: the guest sees CONS.ERR and GERROR; skip: the command has no effect and the
 * queue continues; emulate: the host executes the command for the guest, or reports it if
 * that is not possible; stop: the machine ends.
 */
export type QueueErrorDecision = 'report' | 'skip' | 'emulate' | 'stop';

/** Why a command was refused. */
export type QueueErrorReason =
  | 'opcode'
  | 'secure'
  | 'sync-completion'
  | 'stream'
  | 'range'
  | 'response'
  | 'fetch'
  | 'atc-timeout'
  | 'other';

/** A refused command, as the host sees it before the guest does. */
export interface QueueErrorEvent {
  readonly vm: string;
  /** LVCMDQ of the VM's VINTF, or the trapped command queue of its vSMMU. */
  readonly queue: number | 'cmdq';
  /** CERROR_*. */
  readonly code: number;
  readonly reason: QueueErrorReason;
}

/** Decides about a refused command. */
export type QueueErrorPolicy = (event: QueueErrorEvent) => QueueErrorDecision;

const DECISIONS: readonly unknown[] = [
  'report',
  'skip',
  'emulate',
  'stop',
] satisfies QueueErrorDecision[];

/**
 * The decision of a policy; an error for which it returns undefined is reported.
 * @throws {TypeError} when it is not a decision.
 */
export function decisionOf(policy: QueueErrorPolicy, event: QueueErrorEvent): QueueErrorDecision {
  const decision = policy(event) ?? 'report';
  return DECISIONS.includes(decision)
    ? decision
    : refuseAnswer('onQueueError', 'report, skip, emulate or stop', decision);
}

const REASONS: ReadonlyMap<number, QueueErrorReason> = new Map([
  [STAT_ILL_OPCODE, 'opcode'],
  [STAT_ILL_SSEC, 'secure'],
  [STAT_ILL_CS, 'sync-completion'],
  [STAT_ILL_SID, 'stream'],
  [STAT_ILL_RANGE, 'range'],
  [STAT_ILL_RESPONSE, 'response'],
  [STAT_FETCH_ABORT, 'fetch'],
  [STAT_ATC_TIMEOUT, 'atc-timeout'],
]);

/** The withheld error of a queue in the format for the policy. */
export function queueErrorEvent(
  vm: Vm,
  queue: number | 'cmdq',
  block: QueueBlock,
): QueueErrorEvent {
  return { vm: vm.name, queue, code: block.error, reason: REASONS.get(block.reason) ?? 'other' };
}
