// SPDX-License-Identifier: MIT
// One TLBI in slow motion: the duration of its parts. Reading the clock is an exit and,
// in browsers, it ticks in steps of 5 to 100 us. So each part is repeated until enough
// time has passed, and the mean counts.

import {
  CHECKPOINT_PATH_DIRECT,
  CHECKPOINT_PATH_TRAPPED,
  CHECKPOINT_PHASE_TRACE,
} from '../../assembly/layout/checkpoint-registers';
import { ABI_INVALIDATING_CMDQ } from '../../assembly/layout/guest-abi';
import { beginBatch, markCmdqBatches, submitBatch } from '../driver/batch';
import { buildSync, buildTlbiNhVa } from '../driver/build-commands';
import { cmdqv } from '../driver/cmdqv';
import { cmdq, entryAt, indexOf } from '../driver/driver-queues';
import { processorQueue } from '../driver/get-cmdq';
import { addPage } from '../driver/invalidate-pages';
import { RESULT_OK } from '../driver/result';
import { exitCount } from '../runtime/abi';
import { clock_ns } from '../runtime/vsmmu';
import { beginPhase, endPhase, setData } from './checkpoint-report';
import { sampleNs } from './coarse-clock';

const BATCHES_PER_LOOK: u32 = 16;
const MAX_BATCHES: u32 = 16384;
const MAX_WRITES: u32 = 131072;
/** Minimum duration of a part; longer where the clock is coarse (coarse-clock.ts). */
const LONG_ENOUGH_NS: f64 = 500000;

/**
 * Times the parts of one-page invalidations on a path and reports them as a trace phase.
 * False when one failed.
 */
export function traceInvalidation(path: u32, asid: u32, iova: u64): bool {
  cmdqv().bypassVcmdq = path == CHECKPOINT_PATH_TRAPPED ? 1 : 0;
  beginPhase(CHECKPOINT_PHASE_TRACE);
  const queue = processorQueue();
  const enoughNs = max<f64>(LONG_ENOUGH_NS, sampleNs());
  // Writes to entries that PROD does not cover: the device does not read them.
  let writes: u32 = 0;
  const start = clock_ns();
  let written = start;
  for (; writes < MAX_WRITES && written - start < enoughNs; writes += BATCHES_PER_LOOK) {
    for (let i: u32 = 0; i < BATCHES_PER_LOOK; i++) {
      buildTlbiNhVa(entryAt(queue, queue.prod), 0, asid, iova);
      buildSync(entryAt(queue, queue.prod + 1), queue.signal);
    }
    written = clock_ns();
  }

  markCmdqBatches(ABI_INVALIDATING_CMDQ);
  let batches: u32 = 0;
  let exits: u32 = 0;
  let before: u32 = 0;
  let ok = true;
  let completed = written;
  for (
    ;
    ok && batches < MAX_BATCHES && completed - written < enoughNs;
    batches += BATCHES_PER_LOOK
  ) {
    const counted = exitCount();
    for (let i: u32 = 0; i < BATCHES_PER_LOOK; i++) {
      before = queue.prod;
      beginBatch();
      addPage(asid, iova);
      if (submitBatch() != RESULT_OK) ok = false;
    }
    exits += exitCount() - counted;
    completed = clock_ns();
  }
  markCmdqBatches(0);
  cmdqv().bypassVcmdq = 0;
  setData(0, queue == cmdq() ? CHECKPOINT_PATH_TRAPPED : CHECKPOINT_PATH_DIRECT);
  setData(1, cmdqv().cpu);
  setData(2, indexOf(queue, before));
  setData(3, queue.prod);
  setData(4, <u32>((written - start) / <f64>max<u32>(writes, 1)));
  setData(5, <u32>((completed - written) / <f64>max<u32>(batches, 1)));
  setData(6, batches);
  setData(7, exits);
  endPhase(CHECKPOINT_PHASE_TRACE);
  return ok;
}
