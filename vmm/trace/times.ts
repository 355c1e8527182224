// SPDX-License-Identifier: MIT
// Times of records without their own: those inside a burst, between two readings of the
// clock.

import { TRACE_BURST_NS } from '../../assembly/layout/trace-memory.ts';
import type { HotRecord } from './hot-record.ts';

const BURST_MS = TRACE_BURST_NS / 1e6;

/**
 * A reading of the clock by the reader: records before `index` began before `from`, the
 * others after `to`. Milliseconds.
 */
export interface Mark {
  readonly index: number;
  readonly from: number;
  to: number;
}

/**
 * A record with its time, milliseconds on the host's clock, and its duration if it has
 * one.
 */
export type TimedRecord = HotRecord & {
  readonly at: number;
  readonly ms: number;
  /** Time and duration were not measured. */
  readonly estimated: boolean;
};

/** Binary search for the first mark after an index. */
function markBehind(marks: readonly Mark[], index: number): number {
  let low = 0;
  let high = marks.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((marks[middle]?.index ?? 0) > index) high = middle;
    else low = middle + 1;
  }
  return low;
}

const commandsOf = (record: HotRecord) =>
  record.kind === 'run' ? Math.max(1, record.commands.length) : 1;

/** For each record, the time of the first measured one after it. */
function timesBehind(records: readonly HotRecord[]): number[] {
  let next = Number.POSITIVE_INFINITY;
  return records
    .map(({ at }) => at)
    .reverse()
    .map((at) => {
      const behind = next;
      next = at ?? next;
      return behind;
    })
    .reverse();
}

/** The records of one thread, in order. */
function timed(records: readonly HotRecord[], marks: readonly Mark[]): TimedRecord[] {
  const result: TimedRecord[] = [];
  const behind = timesBehind(records);
  // Time per command of the last run that was measured.
  let perCommand = 0;
  let group: HotRecord[] = [];
  let [from, to] = [0, 0];
  const finish = () => {
    // A burst is dense: a pause is more likely after it than inside.
    const step = Math.min((to - from) / (group.length + 1), BURST_MS);
    for (const [i, record] of group.entries()) {
      const ms = record.kind === 'run' ? Math.min(step, perCommand * commandsOf(record)) : 0;
      result.push({ ...record, at: from + (i + 1) * step, ms, estimated: true });
    }
    group = [];
  };
  for (const [i, record] of records.entries()) {
    const { at } = record;
    if (at !== undefined) {
      finish();
      const ms = record.kind === 'run' ? record.ms : 0;
      if (record.kind === 'run') perCommand = ms / commandsOf(record);
      result.push({ ...record, at, ms, estimated: false });
      continue;
    }
    const mark = markBehind(marks, record.index);
    const latest = Math.min(
      behind[i] ?? Number.POSITIVE_INFINITY,
      marks[mark]?.from ?? Number.POSITIVE_INFINITY,
    );
    if (latest !== to) finish();
    if (group.length === 0) {
      const last = result.at(-1);
      from = Math.max(last ? last.at + last.ms : 0, marks[mark - 1]?.to ?? 0);
      to = Math.max(from, latest);
    }
    group.push(record);
  }
  finish();
  return result;
}

/**
 * Assigns a time to every record. `marks` in order; the last one is after all records.
 */
export function withTimes(records: readonly HotRecord[], marks: readonly Mark[]): TimedRecord[] {
  const threads = new Map<number, HotRecord[]>();
  for (const record of records) {
    const own = threads.get(record.thread);
    if (own) own.push(record);
    else threads.set(record.thread, [record]);
  }
  return [...threads.values()]
    .flatMap((own) => timed(own, marks))
    .sort((a, b) => a.index - b.index);
}
