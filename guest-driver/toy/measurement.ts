// SPDX-License-Identifier: MIT
// The measurement: the duration of an invalidation on the trapped and on the direct path,
// and the number of exits that it causes.
//
// Pages are mapped and unmapped first; only the invalidation is timed. A sample is the
// time of several consecutive batches divided by their number, because reading the clock
// is itself an exit. The paths alternate inside each round, so that other load on the
// machine affects both. Where the clock is coarse, a sample repeats the same batches.

import {
  CHECKPOINT_PATH_DIRECT,
  CHECKPOINT_PATH_TRAPPED,
  CHECKPOINT_PHASE_MEASURE,
} from '../../assembly/layout/checkpoint-registers';
import { ABI_INVALIDATING_CMDQ } from '../../assembly/layout/guest-abi';
import { beginBatch, markCmdqBatches, submitBatch } from '../driver/batch';
import { cmdqv } from '../driver/cmdqv';
import { addPage } from '../driver/invalidate-pages';
import { RESULT_OK } from '../driver/result';
import { IOVA_PAGE_SIZE, mapPages, unmapPages } from '../driver/stage1-table';
import { exitCount, gpaOf } from '../runtime/abi';
import { flushLine } from '../runtime/console';
import { doorbellCalls } from '../runtime/mmio';
import { allocate } from '../runtime/pages';
import { put, putDecimal, putDecimalIn } from '../runtime/text';
import { clock_ns } from '../runtime/vsmmu';
import { ASID, SCRATCH_IOVA } from './address-space';
import { beginPhase, check, endPhase, setData } from './checkpoint-report';
import { sampleNs } from './coarse-clock';
import { percentile, sortSamples } from './samples';
import { PATH_ALL, PATH_DIRECT, toy } from './toy-state';

const BATCHES_PER_SAMPLE: u32 = 16;
const SAMPLES_PER_ROUND: u32 = 8;
/**
 * Rounds that are not counted: the VMM's JIT compiler needs some ten thousand exits
 * before the trapped path runs at full speed.
 */
export const WARM_UP_ROUNDS: u32 = 30;
/** Most rounds: the samples must fit into memory. */
export const MAX_ROUNDS: u32 = 200;
/** Commands per batch: 1, 16, 64. */
const SIZES: u32 = 3;
const PATHS: u32 = 2;
/** Most repetitions of a sample's batches. */
const MAX_REPEATS: u32 = 1024;

class Series {
  /** Memory offset and number of the samples (f64, ns per batch). */
  samples: usize = 0;
  count: u32 = 0;
  /** Sums over all samples. */
  batches: u32 = 0;
  exits: u32 = 0;
  doorbells: u32 = 0;
  failures: u32 = 0;
  /** Repetitions of a sample's batches. */
  repeats: u32 = 1;
}

const SERIES_BYTES: i32 = 32;
const SERIES: usize = memory.data(6 * SERIES_BYTES, 64);

function series(path: u32, size: u32): Series {
  return changetype<Series>(SERIES + <usize>((path * SIZES + size) * SERIES_BYTES));
}

function commandsOf(size: u32): u32 {
  return size == 0 ? 1 : size == 1 ? 16 : 64;
}

function measures(path: u32): bool {
  const wanted = toy().path;
  if (wanted == PATH_ALL) return true;
  return (wanted == PATH_DIRECT) == (path == CHECKPOINT_PATH_DIRECT);
}

/** Maps and unmaps the pages of one sample, which then have to be invalidated. */
function unmapScratch(pages: u32): void {
  const state = toy();
  for (let page: u32 = 0; page < pages; page++) {
    mapPages(state.table, SCRATCH_IOVA + <u64>page * IOVA_PAGE_SIZE, gpaOf(state.scratch), 1, true);
  }
  unmapPages(state.table, SCRATCH_IOVA, pages);
}

/** Runs one sample. @returns its duration in nanoseconds. */
function takeSample(path: u32, size: u32, record: bool): f64 {
  const commands = commandsOf(size);
  const into = series(path, size);
  const batches = BATCHES_PER_SAMPLE * into.repeats;
  unmapScratch(commands * BATCHES_PER_SAMPLE);
  cmdqv().bypassVcmdq = path == CHECKPOINT_PATH_TRAPPED ? 1 : 0;
  markCmdqBatches(ABI_INVALIDATING_CMDQ);
  let failures: u32 = 0;
  const start = clock_ns();
  const exits = exitCount();
  const doorbells = doorbellCalls();
  let iova = SCRATCH_IOVA;
  for (let batch: u32 = 0; batch < batches; batch++) {
    if (batch % BATCHES_PER_SAMPLE == 0) iova = SCRATCH_IOVA;
    beginBatch();
    for (let command: u32 = 0; command < commands; command++, iova += IOVA_PAGE_SIZE)
      addPage(ASID, iova);
    if (submitBatch() != RESULT_OK) failures++;
  }
  const exitsTaken = exitCount() - exits;
  const doorbellsMade = doorbellCalls() - doorbells;
  const end = clock_ns();
  cmdqv().bypassVcmdq = 0;
  markCmdqBatches(0);
  if (!record) return end - start;
  store<f64>(into.samples + (into.count++ << 3), (end - start) / <f64>batches);
  into.batches += batches;
  into.exits += exitsTaken;
  into.doorbells += doorbellsMade;
  into.failures += failures;
  return end - start;
}

/**
 * Increases the repetitions of each series until one sample lasts as long as a coarse
 * clock needs.
 */
function repeatForClock(): void {
  for (let size: u32 = 0; size < SIZES; size++) {
    for (let path: u32 = 0; path < PATHS; path++) {
      if (!measures(path)) continue;
      const one = series(path, size);
      while (one.repeats < MAX_REPEATS && takeSample(path, size, false) < sampleNs())
        one.repeats <<= 1;
    }
  }
}

/** Runs one round: every size, on both paths in turn. */
function round(record: bool): void {
  for (let size: u32 = 0; size < SIZES; size++) {
    for (let sample: u32 = 0; sample < SAMPLES_PER_ROUND; sample++) {
      // Direct first, then trapped.
      for (let turn: u32 = 0; turn < PATHS; turn++) {
        const path = turn == 0 ? CHECKPOINT_PATH_DIRECT : CHECKPOINT_PATH_TRAPPED;
        if (measures(path)) takeSample(path, size, record);
      }
    }
  }
}

/** Repetitions of the batches in samples of a series on the direct path. */
export function directRepeats(commands: u32): u32 {
  for (let size: u32 = 0; size < SIZES; size++) {
    if (commandsOf(size) == commands)
      return max<u32>(series(CHECKPOINT_PATH_DIRECT, size).repeats, 1);
  }
  return 1;
}

/** Sends one series to the host and prints its row. Its phase has begun. */
function report(path: u32, size: u32): void {
  const from = series(path, size);
  sortSamples(from.samples, from.count);
  const median = percentile(from.samples, from.count, 50);
  const tail = percentile(from.samples, from.count, 99);
  setData(0, path);
  setData(1, commandsOf(size));
  setData(2, median);
  setData(3, tail);
  setData(4, from.batches);
  setData(5, from.exits);
  setData(6, from.doorbells);
  endPhase(CHECKPOINT_PHASE_MEASURE);
  put(path == CHECKPOINT_PATH_DIRECT ? '       direct  ' : '       trapped ');
  putDecimalIn(commandsOf(size), 6);
  putDecimalIn(median, 10);
  putDecimalIn(tail, 10);
  putDecimalIn(from.batches, 10);
  putDecimalIn(from.exits, 10);
  putDecimalIn(from.doorbells, 11);
  flushLine();
}

function clearSeries(rounds: u32): bool {
  const bytes: usize = rounds * SAMPLES_PER_ROUND * 8;
  for (let path: u32 = 0; path < PATHS; path++) {
    for (let size: u32 = 0; size < SIZES; size++) {
      const cleared = series(path, size);
      memory.fill(changetype<usize>(cleared), 0, SERIES_BYTES);
      cleared.repeats = 1;
      cleared.samples = allocate(bytes, 8);
      if (cleared.samples == 0) return false;
    }
  }
  return true;
}

export function measurementStep(): void {
  const rounds = max<u32>(min<u32>(toy().rounds, MAX_ROUNDS), 1);
  if (!clearSeries(rounds)) {
    put('no memory for the samples');
    check('measurement', false);
    return;
  }
  beginPhase(CHECKPOINT_PHASE_MEASURE);
  for (let i: u32 = 0; i < toy().warmUp; i++) round(false);
  if (sampleNs() > 0) repeatForClock();
  for (let i: u32 = 0; i < rounds; i++) round(true);

  put('       path     batch    p50 ns    p99 ns   batches     exits  doorbells');
  flushLine();
  let begun = true;
  let failures: u32 = 0;
  let directExits: u32 = 0;
  for (let turn: u32 = 0; turn < PATHS; turn++) {
    const path = turn == 0 ? CHECKPOINT_PATH_DIRECT : CHECKPOINT_PATH_TRAPPED;
    for (let size: u32 = 0; size < SIZES && measures(path); size++) {
      // Each row is a separate phase for the host; the first began before the rounds.
      if (!begun) beginPhase(CHECKPOINT_PHASE_MEASURE);
      begun = false;
      report(path, size);
      failures += series(path, size).failures;
      if (path == CHECKPOINT_PATH_DIRECT) directExits += series(path, size).exits;
    }
  }
  putDecimal(rounds);
  put(' rounds, ');
  putDecimal(failures);
  put(' batches failed');
  check('measurement', failures == 0);
  if (!measures(CHECKPOINT_PATH_DIRECT)) return;
  putDecimal(directExits);
  put(' exits during all direct batches');
  check('no-exits-direct', directExits == 0);
}
