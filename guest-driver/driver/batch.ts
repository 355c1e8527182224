// SPDX-License-Identifier: MIT
// Batches: commands that are collected and then sent with one CMD_SYNC after them. There
// is one batch, the processor's.
//
// Commands keep their order. A batch that mixes commands of both queues is split into
// runs. Where the queue changes, the first queue is synchronised before the first command
// goes to the second, because two queues are not ordered with each other.

import { ABI_AT_INVALIDATING, ABI_INVALIDATING_DIRECT } from '../../assembly/layout/guest-abi';
import { CMDQ_ENTRY_SIZE } from '../../assembly/layout/smmu-registers';
import { cmdq, Queue } from './driver-queues';
import { getCmdq, processorQueue, runLength, vcmdqSupports } from './get-cmdq';
import { issue } from './issue';
import { RESULT_OK } from './result';

/** Most commands of a batch, apart from a CMD_SYNC. */
export const BATCH_COMMANDS = 64;

class Batch {
  /** Commands collected and not yet sent. */
  count: u32 = 0;
  /** First error of a part that was sent early. */
  result: i32 = 0;
  /**
   * Memory offset of the queue that has commands of this batch without a CMD_SYNC, 0 when
   * none has.
   */
  unsynced: usize = 0;
  /**
   * ABI_INVALIDATING_CMDQ when batches on the CMDQ are marked too, 0 when they are not.
   */
  cmdqMark: u32 = 0;
}

const BATCH: usize = memory.data(offsetof<Batch>(), 64);
const COMMANDS: usize = memory.data(BATCH_COMMANDS * CMDQ_ENTRY_SIZE, 64);

function batch(): Batch {
  return changetype<Batch>(BATCH);
}

/**
 * Tells the host which path a batch uses (ABI_INVALIDATING_*), or that it is complete:
 * the host counts exits in between.
 */
function setInvalidating(mark: u32): void {
  store<u32>(0, mark, ABI_AT_INVALIDATING);
}

/**
 * Marks batches on the CMDQ with ABI_INVALIDATING_CMDQ from now on, or with 0 not any
 * more. By default they are not marked: a command that only the host can carry out causes
 * an exit on any path.
 */
export function markCmdqBatches(mark: u32): void {
  batch().cmdqMark = mark;
}

/** Starts an empty batch. */
export function beginBatch(): void {
  const state = batch();
  state.count = 0;
  state.result = RESULT_OK;
  state.unsynced = 0;
}

/**
 * Sends one run. Commands that an earlier part left on another queue are completed first.
 */
function issueRun(queue: Queue, commands: usize, count: u32, sync: bool): i32 {
  const state = batch();
  const unsynced = state.unsynced;
  if (unsynced != 0 && unsynced != changetype<usize>(queue)) {
    const result = issue(changetype<Queue>(unsynced), 0, 0, true);
    if (result != RESULT_OK) return result;
  }
  const result = issue(queue, commands, count, sync);
  state.unsynced = sync || result != RESULT_OK ? 0 : changetype<usize>(queue);
  return result;
}

/** Sends the collected commands, and with `sync` completes them. */
function flush(sync: bool): i32 {
  const state = batch();
  const count = state.count;
  state.count = 0;
  // Commands after a failed part must not be executed in its place.
  if (state.result != RESULT_OK) return state.result;
  if (count == 0) {
    const unsynced = state.unsynced;
    state.unsynced = 0;
    return unsynced != 0 && sync ? issue(changetype<Queue>(unsynced), 0, 0, true) : RESULT_OK;
  }
  const whole = getCmdq(COMMANDS, count);
  // A batch that needs the CMDQ for any part of it is not on the direct path: accesses to
  // the CMDQ trap.
  const onCmdq = whole == changetype<usize>(cmdq());
  setInvalidating(onCmdq ? batch().cmdqMark : whole != 0 ? ABI_INVALIDATING_DIRECT : 0);
  if (whole != 0) {
    return issueRun(changetype<Queue>(whole), COMMANDS, count, sync);
  }
  for (let from: u32 = 0; from < count; ) {
    const commands = COMMANDS + from * CMDQ_ENTRY_SIZE;
    const length = runLength(commands, count - from);
    from += length;
    // Every run but the last precedes a change of queue, so its CMD_SYNC can be sent with
    // it.
    const result = issueRun(
      vcmdqSupports(commands) ? processorQueue() : cmdq(),
      commands,
      length,
      sync || from < count,
    );
    if (result != RESULT_OK) return result;
  }
  return RESULT_OK;
}

/**
 * Memory offset at which to build the next command of the batch. When BATCH_COMMANDS have
 * been collected, they are sent first, without a CMD_SYNC.
 */
export function nextCommand(): usize {
  const state = batch();
  if (state.count == BATCH_COMMANDS) {
    state.result = flush(false);
  }
  return COMMANDS + state.count++ * CMDQ_ENTRY_SIZE;
}

/** Sends the batch with a CMD_SYNC after it and waits until all of it has completed. */
export function submitBatch(): i32 {
  const result = flush(true);
  setInvalidating(0);
  return result;
}
