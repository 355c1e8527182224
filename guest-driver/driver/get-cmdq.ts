// SPDX-License-Identifier: MIT
// Selects the queue for a command. On a VINTF that a guest owns (HYP_OWN = 0), a VCMDQ
// supports only the invalidations that Linux sends there; everything else goes to the
// SMMU's CMDQ. The same rule applies to ECMDQs: they would accept the rest, but then wait
// for the host.

import { CMD_OP, OP_ATC_INV, OP_TLBI_NH_ASID, OP_TLBI_NH_VA } from '../../assembly/layout/commands';
import { CMDQ_ENTRY_SIZE } from '../../assembly/layout/smmu-registers';
import { loadField } from '../runtime/guest-fields';
import { cmdqv } from './cmdqv';
import { cmdq, ecmdq, Queue, vcmdq } from './driver-queues';
import { ecmdqs } from './ecmdqs';

/**
 * Number of VCMDQs, or else ECMDQs, that processors share; 0 when the CMDQ is the only
 * queue.
 */
export function directQueues(): u32 {
  if (cmdqv().vintfEnabled != 0) return cmdqv().lvcmdqCount;
  return ecmdqs().enabled != 0 ? ecmdqs().count : 0;
}

/** One of the queues that `directQueues` counts. */
export function directQueue(index: u32): Queue {
  return cmdqv().vintfEnabled != 0 ? vcmdq(index) : ecmdq(index);
}

/** The processor's VCMDQ or ECMDQ when it can be used, otherwise the CMDQ. */
export function processorQueue(): Queue {
  const state = cmdqv();
  const count = directQueues();
  if (count == 0 || state.bypassVcmdq != 0) return cmdq();
  const queue = directQueue(state.cpu % count);
  return queue.enabled != 0 ? queue : cmdq();
}

/** True when the command goes to a VCMDQ or ECMDQ. */
export function vcmdqSupports(command: usize): bool {
  if (cmdqv().hypOwn != 0) return true;
  const opcode = loadField(command, CMD_OP);
  return opcode == OP_TLBI_NH_VA || opcode == OP_TLBI_NH_ASID || opcode == OP_ATC_INV;
}

/**
 * Number of commands from the first on, at most `count`, that go to the same queue as the
 * first.
 */
export function runLength(commands: usize, count: u32): u32 {
  const first = vcmdqSupports(commands);
  let length: u32 = 1;
  while (length < count && vcmdqSupports(commands + length * CMDQ_ENTRY_SIZE) == first) length++;
  return length;
}

/**
 * The queue of a whole batch, as a memory offset (`changetype<Queue>`): every command
 * decides, not only the first.
 * @returns 0 when the batch mixes commands of both queues and has to be split.
 */
export function getCmdq(commands: usize, count: u32): usize {
  const preferred = processorQueue();
  if (preferred == cmdq() || count == 0) return changetype<usize>(preferred);
  if (runLength(commands, count) < count) return 0;
  return changetype<usize>(vcmdqSupports(commands) ? preferred : cmdq());
}
