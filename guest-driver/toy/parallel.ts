// SPDX-License-Identifier: MIT
// The measurement with all vCPUs at once: each sends and times batches on its own VCMDQ
// or ECMDQ (vCPU modulo queues).

import {
  CHECKPOINT_PATH_DIRECT,
  CHECKPOINT_PHASE_MEASURE,
} from '../../assembly/layout/checkpoint-registers';
import { directQueue, directQueues } from '../driver/get-cmdq';
import { IOVA_PAGE_SIZE } from '../driver/stage1-table';
import { vcpuCount } from '../runtime/abi';
import { flushLine } from '../runtime/console';
import { allocate } from '../runtime/pages';
import { put, putDecimal, putDecimalIn } from '../runtime/text';
import { vcpu_start, wait } from '../runtime/vsmmu';
import { runWork } from '../secondary/work';
import { WorkBlock, WorkShare } from '../secondary/work-block';
import { ASID, SCRATCH_IOVA } from './address-space';
import { beginPhase, check, endPhase, setData } from './checkpoint-report';
import { directRepeats } from './measurement';
import { percentile, sortSamples } from './samples';
import { toy } from './toy-state';

const MAX_VCPUS: u32 = 4;
const BLOCK_BYTES: u32 = 128;
const BLOCKS: usize = memory.data(512, 64);
const SHARE: usize = memory.data(64, 64);
/** A QueueLock for each queue, a cache line apart. */
const LOCKS: usize = memory.data(256, 64);
const BATCHES: u32 = 16;
const SAMPLES_PER_ROUND: u32 = 4;
/** Number of waits of one millisecond for the other vCPUs. */
const DONE_WAITS: u32 = 30000;
const MILLISECOND = 1000;
/**
 * Commands of a batch in a live run, and the place where each vCPU stores its duration.
 */
const LIVE_COMMANDS: u32 = 4;
const LIVE_RESULTS: usize = memory.data(32, 8);

/** The block with the work of a vCPU. */
export function blockOf(vcpu: u32): WorkBlock {
  return changetype<WorkBlock>(BLOCKS + vcpu * BLOCK_BYTES);
}

/**
 * Initialises the work block of a vCPU, one of `vcpus`, for a queue. The caller sets the
 * amount of work and the place for the results.
 */
export function prepareBlock(vcpu: u32, vcpus: u32, queue: u32): WorkBlock {
  const share = changetype<WorkShare>(SHARE);
  share.ready = 0;
  share.vcpus = vcpus;
  const block = blockOf(vcpu);
  memory.fill(changetype<usize>(block), 0, BLOCK_BYTES);
  block.queue = changetype<usize>(directQueue(queue));
  block.lock = LOCKS + queue * 64;
  block.share = SHARE;
  block.asid = ASID;
  block.iova = SCRATCH_IOVA + ((<u64>vcpu) << 28);
  return block;
}

/**
 * Retries: a vCPU that has reported its end takes a moment longer to leave its program.
 */
function start(vcpu: u32): bool {
  for (let waits: u32 = 0; vcpu_start(vcpu, <i32>changetype<usize>(blockOf(vcpu))) != 0; waits++) {
    if (waits == DONE_WAITS) return false;
    wait(MILLISECOND);
  }
  return true;
}

/** Runs the blocks of the first vCPUs. False when one did not start or did not finish. */
export function runBlocks(vcpus: u32): bool {
  for (let vcpu: u32 = 1; vcpu < vcpus; vcpu++) if (!start(vcpu)) return false;
  runWork(0, blockOf(0));
  for (let vcpu: u32 = 1; vcpu < vcpus; vcpu++) {
    for (
      let waits: u32 = 0;
      atomic.load<u32>(changetype<usize>(blockOf(vcpu)), offsetof<WorkBlock>('done')) == 0;
      waits++
    ) {
      if (waits == DONE_WAITS) return false;
      wait(MILLISECOND);
    }
  }
  return true;
}

/** Measures one batch size and reports its row. False on failure. */
function measure(vcpus: u32, commands: u32, samples: u32, results: usize): bool {
  beginPhase(CHECKPOINT_PHASE_MEASURE);
  const queues = min<u32>(directQueues(), toy().queues);
  const batches = BATCHES * directRepeats(commands);
  for (let vcpu: u32 = 0; vcpu < vcpus; vcpu++) {
    const block = prepareBlock(vcpu, vcpus, vcpu % queues);
    block.commands = commands;
    block.batches = batches;
    block.samples = samples;
    block.results = results + vcpu * samples * 8;
  }
  const ended = runBlocks(vcpus);
  let failures: u32 = 0;
  let exits: u32 = 0;
  let doorbells: u32 = 0;
  for (let vcpu: u32 = 0; vcpu < vcpus; vcpu++) {
    failures += blockOf(vcpu).failures;
    exits += blockOf(vcpu).exits;
    doorbells += blockOf(vcpu).doorbells;
  }
  const count = samples * vcpus;
  sortSamples(results, count);
  const median = percentile(results, count, 50);
  const tail = percentile(results, count, 99);
  setData(0, CHECKPOINT_PATH_DIRECT);
  setData(1, commands);
  setData(2, median);
  setData(3, tail);
  setData(4, count * batches);
  setData(5, exits);
  setData(6, doorbells);
  setData(7, vcpus);
  endPhase(CHECKPOINT_PHASE_MEASURE);
  put('       x');
  putDecimal(vcpus);
  put(' direct');
  putDecimalIn(commands, 5);
  putDecimalIn(median, 10);
  putDecimalIn(tail, 10);
  putDecimalIn(count * batches, 10);
  putDecimalIn(exits, 10);
  putDecimalIn(doorbells, 11);
  flushLine();
  return ended && failures == 0 && exits == 0;
}

/**
 * Runs one turn of a live run: all vCPUs send batches at once, each on its own queue.
 * False when one failed.
 */
export function workInParallel(asid: u32): bool {
  const vcpus = min<u32>(vcpuCount(), MAX_VCPUS);
  if (vcpus < 2) return true;
  const queues = min<u32>(directQueues(), toy().queues);
  for (let vcpu: u32 = 0; vcpu < vcpus; vcpu++) {
    const block = prepareBlock(vcpu, vcpus, vcpu % queues);
    block.asid = asid;
    block.commands = LIVE_COMMANDS;
    block.batches = BATCHES;
    block.samples = 1;
    block.results = LIVE_RESULTS + (vcpu << 3);
  }
  if (!runBlocks(vcpus)) return false;
  let failures: u32 = 0;
  for (let vcpu: u32 = 0; vcpu < vcpus; vcpu++) failures += blockOf(vcpu).failures;
  return failures == 0;
}

/** Nothing to do with one vCPU. */
export function measureParallel(rounds: u32): void {
  const vcpus = min<u32>(vcpuCount(), MAX_VCPUS);
  if (vcpus < 2) return;
  const samples = rounds * SAMPLES_PER_ROUND;
  const results = allocate(samples * MAX_VCPUS * 8, IOVA_PAGE_SIZE);
  let ok = results != 0;
  for (let commands: u32 = 1; ok && commands <= 64; commands = commands == 1 ? 16 : commands * 4) {
    ok = measure(vcpus, commands, samples, results);
  }
  put('all vCPUs at once, ');
  putDecimal(min<u32>(directQueues(), toy().queues));
  put(' queues');
  check('parallel', ok);
}
