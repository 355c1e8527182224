// SPDX-License-Identifier: MIT
// Runs the commands of a queue, from the CONS in its queue block up to a PROD that was
// read. Used for every kind of queue and every placement of the drain.

import { endTraceRun, traceRun } from '../imports/core';
import { load128 } from '../imports/port';
import { CHECKED, WINDOW } from '../imports/unit';
import {
  ACTION_ATC_INV,
  ACTION_SYNC,
  ACTION_TLBI_NH_ASID,
  ACTION_TLBI_NH_VA,
  ACTION_TLBI_S12_VMALL,
} from '../layout/action-memory';
import { CERROR_ABT, CERROR_ILL, SYNC_CS } from '../layout/commands';
import { CTX_HYP_OWN, CTX_VMID } from '../layout/context-memory';
import { ROUND_WORK } from '../layout/drain-results';
import { HOST_AT_TRACE } from '../layout/host-memory';
import {
  QUEUE_COMMANDS,
  QUEUE_CONS,
  QUEUE_ERR,
  QUEUE_ERROR_HELD,
  QUEUE_ERRORS,
  QUEUE_KIND,
  QUEUE_LOG2SIZE,
  QUEUE_NEEDS_HOST,
  QUEUE_REASON,
  QUEUE_REWRITES,
  QUEUE_RING,
  QUEUE_RING_WINDOW,
  QUEUE_SYNCS,
} from '../layout/queue-memory';
import { TLBI_OF_STAGE2 } from '../layout/shadow-memory';
import {
  SMMU_AT_STATS,
  STAT_ATC_INV,
  STAT_ERROR_HELD,
  STAT_FETCH_ABORT,
  STAT_PROD_RANGE,
} from '../layout/smmu-memory';
import { Q_INDEX } from '../layout/smmu-registers';
import { VMID_ALL_GEN } from '../layout/vmid-memory';
import { bits, maskOf } from '../lib/fields';
import { asidGen, raiseTo, touch, vmidBlock } from '../smmu-core/generations';
import { noneInFlight } from '../smmu-core/in-flight';
import {
  ANY_ASID,
  hasGranule,
  invalidateVa,
  mayBeReserved,
  reservedRange,
} from '../smmu-core/invalidate';
import { tlbiDone } from '../smmu-core/judged';
import { BLOCKS_PER_COMMAND, resultOf, visitedBy } from '../smmu-core/service-work';
import { atcsAnswered, noneAwaited, startWaiting } from './atc-wait';
import { actionOf, actionsOf, asShown, ILLEGAL, isLacked } from './command-legality';
import { atcInv, isAtcInvIdle } from './endpoint-commands';
import { DONE, execute, HOST, SYNC } from './execute';
import { stat, stop } from './queue-words';
import { signal, sync } from './sync';

export const BUDGET: u32 = ROUND_WORK;

const NO_VMID: u32 = u32(-1);

// Stops the queue with an error that is held: CONS stays at the command, and nothing is
// published until the host's policy decides.
export function holdError(smmu: usize, queue: usize, cons: u32, code: u32, reason: u32): void {
  stat(smmu, reason);
  stat(smmu, STAT_ERROR_HELD);
  store<i64>(queue, load<i64>(queue, QUEUE_ERRORS) + 1, QUEUE_ERRORS);
  atomic.store<u32>(queue, code, QUEUE_ERR);
  atomic.store<u32>(queue, reason, QUEUE_REASON);
  stop(queue, cons, QUEUE_ERROR_HELD);
}

// The counts of a run, packed into one word (a run has at most BUDGET commands): each
// local that lives across a call costs a spill per command.
const COUNT: u64 = (1 << 10) - 1;
const SYNC_SHIFT: u64 = 10;
const REWRITE_SHIFT: u64 = 20;
const ATC_INV_SHIFT: u64 = 30;
const VISITED_SHIFT: u64 = 40;
const COMMAND: u64 = 1;
const A_SYNC: u64 = (<u64>1) << SYNC_SHIFT;
const A_REWRITE: u64 = (<u64>1) << REWRITE_SHIFT;
const AN_ATC_INV: u64 = (<u64>1) << ATC_INV_SHIFT;
/** The blocks visited have used up the budget. */
const SPENT: u64 = u64(BUDGET * BLOCKS_PER_COMMAND) << VISITED_SHIFT;

function add(counter: usize, count: u64): void {
  if (count != 0) store<i64>(counter, load<i64>(counter) + i64(count));
}

/**
 * Runs commands up to `written`, the PROD that was read, within BUDGET. Returns the work:
 * BUDGET or more when commands may remain.
 */
export function run(smmu: usize, queue: usize, context: usize, written: u32): u32 {
  const log2size = load<u32>(queue, QUEUE_LOG2SIZE);
  const size = (<u32>1) << log2size;
  const indexMask = (size << 1) - 1;
  const prod = written & maskOf(Q_INDEX) & indexMask;
  let cons = load<u32>(queue, QUEUE_CONS) & indexMask;
  if (cons == prod) return 0;
  const available = (prod - cons) & indexMask;
  if (available > size) stat(smmu, STAT_PROD_RANGE);

  const ringWindow = load<u32>(queue, QUEUE_RING_WINDOW);
  const base = load<u32>(queue, QUEUE_RING);
  if (base == 0 || (ringWindow != 0 && ringWindow != u32(WINDOW))) {
    holdError(smmu, queue, cons, CERROR_ABT, STAT_FETCH_ABORT);
    return 0;
  }
  const actions = actionsOf(smmu, load<u32>(queue, QUEUE_KIND));
  const end = (cons + min(available, BUDGET)) & indexMask;
  const traceAt: usize =
    load<u32>(0, HOST_AT_TRACE) != 0 ? traceRun(smmu, queue, min(available, BUDGET)) : 0;
  let tally: u64 = 0;
  let command = i64x2.splat(0);
  let result = DONE;
  for (;;) {
    // The inner loop executes the commands that drivers send in large numbers.
    // Consecutive ones that name the same VMID share one raise of its generation. A
    // command that is left to `execute` leaves the loop, which ends this sharing. It has
    // to: the command may be a CFGI, and a walk that began between the raise and the CFGI
    // carries the raised generation together with the old configuration.
    let raisedVmid: u32 = NO_VMID;
    let generation: i64 = 0;
    // Place of the generation that was raised last, of an ASID or of all.
    let raised: usize = 0;
    while (cons != end) {
      const at = base + ((cons & (size - 1)) << 4);
      command = ringWindow == 0 ? v128.load(at) : load128(at);
      if (traceAt != 0) v128.store(traceAt + (usize(tally & COUNT) << 4), command);
      const d0 = i64x2.extract_lane(command, 0);
      const action = actionOf(actions, d0);
      if (action == ACTION_SYNC) {
        if (bits(u32(d0), SYNC_CS) || !noneInFlight() || !noneAwaited(smmu, queue)) break;
        tally += A_SYNC;
      } else if (action == ACTION_ATC_INV) {
        if (isLacked(context, action)) break;
        const asWritten = load<u32>(context, CTX_HYP_OWN) != 0;
        if (
          !isAtcInvIdle(smmu, context, asWritten, d0) &&
          !atcInv(smmu, queue, context, asWritten, d0, i64x2.extract_lane(command, 1))
        )
          break;
        tally += AN_ATC_INV | (asWritten ? 0 : A_REWRITE);
      } else {
        let d1 = i64x2.extract_lane(command, 1);
        if (action == ACTION_TLBI_NH_VA) {
          if (hasGranule(d1)) {
            d1 = asShown(context, d1);
            if (mayBeReserved(d0, d1) && reservedRange(smmu, d0, d1)) break;
          }
        } else if (action == ACTION_TLBI_S12_VMALL) {
          if (isLacked(context, action)) break;
        } else if (action != ACTION_TLBI_NH_ASID) {
          break;
        }
        const named = u32(d0 >> 32) & 0xffff;
        // Plain loads: a VINTF has them before it is enabled (CTX_ENABLED, atomic).
        const vmid = load<u32>(context, CTX_HYP_OWN) != 0 ? named : load<u32>(context, CTX_VMID);
        if (vmid != raisedVmid) {
          raisedVmid = vmid;
          raised = 0;
          generation = touch(vmidBlock(smmu, vmid));
        }
        tally += u64(vmid != named) << REWRITE_SHIFT;
        const asid = u32(d0 >> 48);
        if (action == ACTION_TLBI_NH_VA) {
          const visited = invalidateVa(smmu, vmid, asid, d0, d1);
          if (visited != 0) {
            tally += u64(visited) << VISITED_SHIFT;
            if (tally >= SPENT) {
              cons = (cons + 1) & indexMask;
              tally += COMMAND;
              break;
            }
          }
        } else {
          const place: usize = action == ACTION_TLBI_NH_ASID ? asidGen(0, asid) : VMID_ALL_GEN;
          if (place != raised) {
            raised = place;
            raiseTo(vmidBlock(smmu, vmid) + place, generation);
          }
          if (CHECKED && action == ACTION_TLBI_S12_VMALL)
            tlbiDone(smmu, TLBI_OF_STAGE2, vmid, ANY_ASID, 0, 0);
        }
      }
      cons = (cons + 1) & indexMask;
      tally += COMMAND;
    }
    if (cons == end || tally >= SPENT) break;

    const d0 = i64x2.extract_lane(command, 0);
    const d1 = i64x2.extract_lane(command, 1);
    const returned = execute(smmu, queue, context, load<u32>(queue, QUEUE_KIND), d0, d1);
    tally += u64(visitedBy(returned)) << VISITED_SHIFT;
    result = resultOf(returned);
    if (result == SYNC) {
      const held = !atcsAnswered(smmu, queue);
      if (sync(smmu, queue, cons, d0, d1, held)) {
        result = signal(smmu, queue, (cons + 1) & indexMask, d0, d1) ? DONE : HOST;
        if (result == DONE) tally += A_SYNC;
      } else if (held) {
        startWaiting(smmu, queue);
      }
    }
    if (result != DONE) break;
    cons = (cons + 1) & indexMask;
    tally += COMMAND;
    if (tally >= SPENT) break;
  }
  const commands = tally & COUNT;
  if (traceAt != 0) endTraceRun(traceAt, u32(commands), result != DONE);
  store<u32>(queue, cons, QUEUE_CONS);
  add(queue + QUEUE_COMMANDS, commands);
  add(queue + QUEUE_SYNCS, (tally >> SYNC_SHIFT) & COUNT);
  add(queue + QUEUE_REWRITES, (tally >> REWRITE_SHIFT) & COUNT);
  const atcInvs = (tally >> ATC_INV_SHIFT) & COUNT;
  if (atcInvs != 0) atomic.add<i32>(smmu + SMMU_AT_STATS, i32(atcInvs), STAT_ATC_INV);
  if (result == HOST) stop(queue, cons, QUEUE_NEEDS_HOST);
  else if (result >= ILLEGAL) holdError(smmu, queue, cons, CERROR_ILL, result - ILLEGAL);
  return u32(commands + (tally >> VISITED_SHIFT) / BLOCKS_PER_COMMAND);
}
