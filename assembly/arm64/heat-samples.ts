// SPDX-License-Identifier: MIT
// Detection of hot code: a run is interrupted now and then, by a limit before the end of
// its slice, and the target of a branch is sampled. The loops do not know about it; a
// guest cannot detect it.

import {
  ARM64_ACC,
  ARM64_DP,
  ARM64_HEAT,
  ARM64_HEAT_ENTRIES,
  ARM64_HOT_COUNT,
  ARM64_HOT_ENTRIES,
  ARM64_HOT_LIST,
  ARM64_LIMIT,
  ARM64_PC_OFFSET,
  ARM64_SAMPLE_DISTANCE,
  ARM64_SAMPLE_EVERY,
  ARM64_SAMPLE_LIMIT,
  ARM64_SAMPLE_SEED,
  ARM64_SAMPLE_THRESHOLD,
  ARM64_SLICE,
} from '../layout/arm64-state';
import { HANDLER_REGION } from './handlers';

/**
 * The factor by which samples become rarer where most of the executed code is in regions
 * already.
 */
const MOST_RARE: u32 = 8;

/**
 * The next limit of a run that has executed `count` / 8 instructions: the next sample, or
 * the end of the slice.
 */
export function nextLimit(cpu: usize, count: u32): u32 {
  const slice = load<u32>(cpu, ARM64_SLICE);
  const distance = load<u32>(cpu, ARM64_SAMPLE_DISTANCE);
  let limit: u32 = 0;
  if (distance != 0) {
    // Varied by up to half of the distance, so that samples do not stay in phase with a
    // loop.
    const seed = load<u32>(cpu, ARM64_SAMPLE_SEED) * 1664525 + 1013904223;
    store<u32>(cpu, seed, ARM64_SAMPLE_SEED);
    limit = count + distance + (((seed >> 16) * (distance >> 4)) >> 13);
    if (limit >= slice) limit = 0;
  }
  store<u32>(cpu, limit, ARM64_SAMPLE_LIMIT);
  return limit != 0 ? limit : slice;
}

/** Counts samples; a record with enough of them is added to the hot list. */
function addSamples(cpu: usize, record: usize, base: usize, count: u32): void {
  const at =
    cpu + ARM64_HEAT + ((((record >> 3) ^ (record >> 15)) & (ARM64_HEAT_ENTRIES - 1)) << 3);
  const samples = load<u32>(at, 4);
  if (load<usize>(at) != record) {
    // A record that collides with a hotter one has to wait until the count of that has
    // dropped.
    if (samples > count) {
      store<u32>(at, samples - count, 4);
      return;
    }
    store<usize>(at, record);
    store<u32>(at, count, 4);
    if (count < load<u32>(cpu, ARM64_SAMPLE_THRESHOLD)) return;
  } else if (samples + count < load<u32>(cpu, ARM64_SAMPLE_THRESHOLD)) {
    store<u32>(at, samples + count, 4);
    return;
  }
  const hot = load<u32>(cpu, ARM64_HOT_COUNT);
  if (hot == ARM64_HOT_ENTRIES) return;
  store<u32>(at, 0, 4);
  const entry = cpu + ARM64_HOT_LIST + (hot << 3);
  store<usize>(entry, record);
  store<usize>(entry, base, 4);
  store<u32>(cpu, hot + 1, ARM64_HOT_COUNT);
}

/**
 * Whether the limit that a run has reached was that of a sample. If so the sample is
 * taken, and the run continues at the record, which is that of `pc`. `count` is 8 times
 * the instructions of the run.
 */
export function isSample(cpu: usize, record: usize, pc: u64, count: u32): bool {
  const limit = load<u32>(cpu, ARM64_SAMPLE_LIMIT);
  if (limit == 0) return false;
  const every = load<u32>(cpu, ARM64_SAMPLE_EVERY);
  const distance = load<u32>(cpu, ARM64_SAMPLE_DISTANCE);
  const isRegion = load<u16>(record) == HANDLER_REGION;
  const rarer = min<u32>(distance << 1, every * MOST_RARE);
  const denser = max<u32>(distance >> 1, every);
  store<u32>(cpu, isRegion ? rarer : denser, ARM64_SAMPLE_DISTANCE);
  // A rare sample stands for as many as there would have been otherwise.
  addSamples(cpu, record, record - ((usize(pc) & 0xfff) << 1), distance / every);
  const next = nextLimit(cpu, count);
  // Another thread has lowered the limit, and the boundary has to handle that.
  if (atomic.cmpxchg<u32>(cpu + ARM64_LIMIT, limit, next) != limit) return false;
  return count <= next;
}

/**
 * Whether a region that executes instructions up to `most` / 8 may be entered, although
 * that is beyond ARM64_LIMIT: if that is only the limit of a sample. The sample is taken
 * where the region ends, so that the interpreter does not have to execute the code of
 * regions before each sample.
 */
export function passesSample(cpu: usize, most: u32): bool {
  const limit = load<u32>(cpu, ARM64_SAMPLE_LIMIT);
  if (limit == 0 || limit != load<u32>(cpu, ARM64_LIMIT)) return false;
  return most <= load<u32>(cpu, ARM64_SLICE);
}

/**
 * Takes a sample that is due at the next record, to which a region has led: where regions
 * end is where the next ones should begin.
 */
export function sampleAfterRegion(cpu: usize): void {
  const record = load<usize>(cpu, ARM64_DP);
  const count = load<u32>(cpu, ARM64_ACC) + u32(record);
  if (count <= load<u32>(cpu, ARM64_LIMIT)) return;
  isSample(cpu, record, load<u64>(cpu, ARM64_PC_OFFSET) + u64(record >> 1), count);
}
