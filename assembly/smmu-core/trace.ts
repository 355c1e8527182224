// Records of the trace ring (layout/trace.ts has the protocol). The drain calls them through imports: inlined they would cost its loop
// registers while nothing is traced.

import { now } from '../imports/clock';
import { THREAD_ID } from '../imports/unit';
import {
  HOST_AT_TRACE,
  HOST_AT_TRACE_MASK,
  HOST_AT_TRACE_NEXT,
  HOST_SMMUS,
  QUEUE_STRIDE,
  SMMU_AT_QUEUES,
  SMMU_STRIDE,
} from '../layout/host-memory';
import {
  TRACE_A,
  TRACE_B,
  TRACE_KIND_DOORBELL,
  TRACE_KIND_RUN,
  TRACE_REFUSED,
  TRACE_SEQUENCE,
  TRACE_TIME,
  TRACE_UNIT,
  TRACE_UNITS,
  TRACE_WHAT,
} from '../layout/trace';

/** Takes units of the ring. Returns the index of the first. */
function take(units: u32): u32 {
  return atomic.add<u32>(0, units, HOST_AT_TRACE_NEXT);
}

function unitAt(index: u32): usize {
  return load<u32>(0, HOST_AT_TRACE) + (index & load<u32>(0, HOST_AT_TRACE_MASK)) * TRACE_UNIT;
}

function head(index: u32, kind: u32, smmu: usize, queue: u32, units: u32, time: f64): usize {
  const unit = unitAt(index);
  const smmuIndex = u32((smmu - HOST_SMMUS) / SMMU_STRIDE);
  store<u32>(unit, kind | (u32(THREAD_ID - 1) << 8) | (smmuIndex << 16) | (queue << 23), TRACE_WHAT);
  store<f64>(unit, time, TRACE_TIME);
  store<u32>(unit, units, TRACE_UNITS);
  return unit;
}

export function traceDoorbell(smmu: usize, id: u32, offset: u32): void {
  const index = take(1);
  const unit = head(index, TRACE_KIND_DOORBELL, smmu, 0, 1, now());
  store<u32>(unit, offset, TRACE_A);
  store<u64>(unit, id, TRACE_B);
  atomic.store<u32>(unit, index + 1, TRACE_SEQUENCE);
}

/** Begins the record of a run of at most `most` commands. Returns what the others want. */
export function traceRun(smmu: usize, queue: usize, most: u32): u32 {
  const units = 1 + ((most + 1) >> 1);
  const index = take(units);
  head(index, TRACE_KIND_RUN, smmu, u32((queue - smmu - SMMU_AT_QUEUES) / QUEUE_STRIDE), units, now());
  return index;
}

/** The run's command number `number`, from 0. */
export function traceCommand(run: u32, number: u32, d0: u64, d1: u64): void {
  const at = unitAt(run + 1 + (number >> 1)) + ((number & 1) << 4);
  store<u64>(at, d0);
  store<u64>(at, d1, 8);
}

/** Ends the record; with `refused` one command more than those carried out stands in it. */
export function endTraceRun(run: u32, commands: u32, refused: bool): void {
  const unit = unitAt(run);
  store<u32>(unit, refused ? (commands + 1) | TRACE_REFUSED : commands, TRACE_A);
  store<f64>(unit, now() - load<f64>(unit, TRACE_TIME), TRACE_B);
  atomic.store<u32>(unit, run + 1, TRACE_SEQUENCE);
}
