// SPDX-License-Identifier: MIT
// Writes records of the trace ring (protocol: layout/trace-memory.ts). The drain calls
// these functions through imports: inlined, they would cost its loop registers even while
// nothing is traced.

import { now } from '../imports/clock';
import { THREAD, THREAD_ID } from '../imports/unit';
import { CFG_ASID, CFG_VMID } from '../layout/config-cache-memory';
import {
  HOST_AT_TRACE,
  HOST_AT_TRACE_MARKS,
  HOST_AT_TRACE_MASK,
  HOST_AT_TRACE_NEXT,
  HOST_AT_TRACE_SALT,
  HOST_SMMUS,
  SMMU_STRIDE,
} from '../layout/host-memory';
import { QUEUE_STRIDE, SMMU_AT_QUEUES } from '../layout/queue-memory';
import {
  THREAD_ATTRIBUTES,
  THREAD_CFG,
  THREAD_IOVA,
  THREAD_PA,
  THREAD_PA_SIZE,
  THREAD_SID,
  THREAD_SSID,
  THREAD_TLB_HITS,
  THREAD_TRACE_BURST,
  THREAD_TRACE_DOORBELL,
  THREAD_TRACE_TIME,
} from '../layout/thread-memory';
import {
  TRACE_A,
  TRACE_B,
  TRACE_BURST_MOST,
  TRACE_BURST_NS,
  TRACE_KIND_DOORBELL,
  TRACE_KIND_PADDING,
  TRACE_KIND_RUN,
  TRACE_KIND_WALK,
  TRACE_REFUSED,
  TRACE_SEQUENCE,
  TRACE_TIME,
  TRACE_UNIT,
  TRACE_UNITS,
  TRACE_WALK_CONFIGURED,
  TRACE_WALK_HOW,
  TRACE_WALK_PA,
  TRACE_WALK_SID,
  TRACE_WALK_SSID,
  TRACE_WALK_TAGS,
  TRACE_WHAT,
} from '../layout/trace-memory';

const WALK_UNITS: u32 = 2;

/** Milliseconds since HOST_AT_EPOCH, for the drain. */
export function clock(): f64 {
  return now();
}

/** Marks the record that starts at a unit as valid. */
function publish(unit: usize): void {
  atomic.store<u32>(unit, ~load<u32>(unit, TRACE_SEQUENCE), TRACE_SEQUENCE);
}

/** Begins a record: reserves its units, which are contiguous. Returns the first. */
function begin(units: u32): usize {
  const ring: usize = load<u32>(0, HOST_AT_TRACE);
  const mask = load<u32>(0, HOST_AT_TRACE_MASK);
  while (true) {
    const index = atomic.add<u32>(0, units, HOST_AT_TRACE_NEXT);
    const unit = ring + (index & mask) * TRACE_UNIT;
    store<u32>(unit, ~(index + load<u32>(0, HOST_AT_TRACE_SALT)), TRACE_SEQUENCE);
    store<u32>(unit, units, TRACE_UNITS);
    if ((index & mask) + units <= mask + 1) return unit;
    store<u32>(unit, TRACE_KIND_PADDING, TRACE_WHAT);
    publish(unit);
  }
}

/** The time stamp of a record: milliseconds, or 0 inside a burst. */
function stamp(): f64 {
  const marks = atomic.load<u32>(0, HOST_AT_TRACE_MARKS) & 0xffff;
  const burst = load<u32>(THREAD, THREAD_TRACE_BURST);
  const same = burst >> 16 == marks;
  if (same && (burst & 0xff) != 0) {
    store<u32>(THREAD, burst - 1, THREAD_TRACE_BURST);
    return 0;
  }
  const time = now();
  const without = (burst >> 8) & 0xff;
  const dense =
    same && time - load<f64>(THREAD, THREAD_TRACE_TIME) < f64(TRACE_BURST_NS * (without + 1)) / 1e6;
  const next: u32 = dense ? min<u32>(2 * without + 1, TRACE_BURST_MOST) : 0;
  store<u32>(THREAD, next | (next << 8) | (marks << 16), THREAD_TRACE_BURST);
  store<f64>(THREAD, time, THREAD_TRACE_TIME);
  return time;
}

/** Fills the first words of a record. */
function head(unit: usize, kind: u32, smmu: usize, detail: u32): void {
  const smmuIndex = u32((smmu - HOST_SMMUS) / SMMU_STRIDE);
  store<u32>(
    unit,
    kind | (u32(THREAD_ID - 1) << 8) | (smmuIndex << 16) | (detail << 23),
    TRACE_WHAT,
  );
  store<f64>(unit, stamp(), TRACE_TIME);
}

/** Records the doorbell in THREAD_TRACE_DOORBELL, which has started no run. */
export function traceDoorbell(smmu: usize): void {
  const unit = begin(1);
  head(unit, TRACE_KIND_DOORBELL, smmu, 0);
  store<u32>(unit, load<u32>(THREAD, THREAD_TRACE_DOORBELL), TRACE_B);
  store<u32>(THREAD, 0, THREAD_TRACE_DOORBELL);
  publish(unit);
}

/**
 * Begins the record of a run of at most `most` commands. Returns the address for their 16
 * bytes each.
 */
export function traceRun(smmu: usize, queue: usize, most: u32): usize {
  const unit = begin(1 + ((most + 1) >> 1));
  head(unit, TRACE_KIND_RUN, smmu, u32((queue - smmu - SMMU_AT_QUEUES) / QUEUE_STRIDE));
  store<u32>(unit, load<u32>(THREAD, THREAD_TRACE_DOORBELL), TRACE_B + 4);
  store<u32>(THREAD, 0, THREAD_TRACE_DOORBELL);
  return unit + TRACE_UNIT;
}

/**
 * Ends the record of a run. With `refused` the record has one command more than were
 * executed.
 */
export function endTraceRun(commandsAt: usize, commands: u32, refused: bool): void {
  const unit = commandsAt - TRACE_UNIT;
  const began = load<f64>(unit, TRACE_TIME);
  store<u32>(unit, refused ? (commands + 1) | TRACE_REFUSED : commands, TRACE_A);
  if (began != 0) store<f32>(unit, f32(now() - began), TRACE_B);
  publish(unit);
}

/**
 * Records the translation that has just ended with `result`, TRANSLATE_*, with or without
 * a walk. Reads the access, THREAD_PA, THREAD_PA_SIZE and THREAD_CFG.
 * @param event ID of its event, 0 for none.
 * @param configured its STE and CD were found.
 */
export function traceWalk(smmu: usize, event: u32, result: i32, configured: bool): void {
  const unit = begin(WALK_UNITS);
  head(unit, TRACE_KIND_WALK, smmu, u32(result));
  store<u32>(unit, load<u32>(THREAD, THREAD_TLB_HITS), TRACE_A);
  store<u64>(unit, load<u64>(THREAD, THREAD_IOVA), TRACE_B);
  store<u32>(unit, load<u32>(THREAD, THREAD_SID), TRACE_WALK_SID);
  store<u32>(unit, load<u32>(THREAD, THREAD_SSID), TRACE_WALK_SSID);
  let how = event | (load<u32>(THREAD, THREAD_ATTRIBUTES) << 8);
  if (configured) {
    const tags =
      (load<u32>(THREAD + THREAD_CFG, CFG_VMID) & 0xffff) |
      (load<u32>(THREAD + THREAD_CFG, CFG_ASID) << 16);
    store<u32>(unit, tags, TRACE_WALK_TAGS);
    how |= TRACE_WALK_CONFIGURED | (load<u32>(THREAD, THREAD_PA_SIZE) << 16);
  }
  store<u32>(unit, how, TRACE_WALK_HOW);
  store<u64>(unit, load<u64>(THREAD, THREAD_PA), TRACE_WALK_PA);
  publish(unit);
}
