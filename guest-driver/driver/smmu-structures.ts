// SPDX-License-Identifier: MIT
// The SMMU's structures in memory: stream table, command queue, event queue. They are
// allocated once, before the reset.

import { SYNC_CS_SEV } from '../../assembly/layout/commands';
import {
  CMDQ_ENTRY_SIZE,
  EVENTQ_ENTRY_SIZE,
  IDR1_CMDQS,
  IDR1_EVENTQS,
  IDR1_SIDSIZE,
  SMMU_CMDQ_CONS,
  SMMU_CMDQ_PROD,
} from '../../assembly/layout/smmu-registers';
import { STE_SIZE } from '../../assembly/layout/ste';
import { bitsOf } from '../runtime/guest-fields';
import { allocate } from '../runtime/pages';
import { cmdq } from './driver-queues';
import { resetEventQueue } from './event-queue';
import { RESULT_NO_MEMORY, RESULT_OK } from './result';
import { smmu } from './smmu';
import { fillStreamTable } from './stream-table';

/**
 * log2 of the maximum queue size in entries: Linux limits it to 16, too, so that a ring
 * is one contiguous allocation.
 */
export const MAX_QUEUE_LOG2 = 16;
/**
 * log2 of the maximum number of STEs: a linear table is one contiguous allocation, and
 * this board's StreamIDs are low.
 */
const MAX_STREAM_LOG2 = 8;

export function allocateStructures(): i32 {
  const state = smmu();
  state.streamLog2 = min<u32>(bitsOf(state.idr1, IDR1_SIDSIZE), MAX_STREAM_LOG2);
  const tableBytes: usize = STE_SIZE << state.streamLog2;
  state.streamTable = allocate(tableBytes, tableBytes);
  if (state.streamTable == 0) return RESULT_NO_MEMORY;
  fillStreamTable();

  const commands = cmdq();
  commands.log2size = min<u32>(bitsOf(state.idr1, IDR1_CMDQS), MAX_QUEUE_LOG2);
  const commandBytes: usize = CMDQ_ENTRY_SIZE << commands.log2size;
  commands.ring = allocate(commandBytes, commandBytes);
  if (commands.ring == 0) return RESULT_NO_MEMORY;
  commands.prodGpa = state.gpa + SMMU_CMDQ_PROD;
  commands.consGpa = state.gpa + SMMU_CMDQ_CONS;
  // SEV, as in Linux: it costs nothing where IDR0.SEV says that no event is sent.
  commands.signal = SYNC_CS_SEV;

  const eventLog2 = min<u32>(bitsOf(state.idr1, IDR1_EVENTQS), MAX_QUEUE_LOG2);
  const eventBytes: usize = EVENTQ_ENTRY_SIZE << eventLog2;
  const events = allocate(eventBytes, max<usize>(eventBytes, 32));
  if (events == 0) return RESULT_NO_MEMORY;
  resetEventQueue(events, eventLog2);
  return RESULT_OK;
}
