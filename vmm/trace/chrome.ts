// SPDX-License-Identifier: MIT
// Chrome's trace event format ("JSON Object Format"), which chrome://tracing, Perfetto
// and Speedscope open.

import { checkList } from '../../devices/plugin/known-values.ts';
import { anyText, having, uint } from '../../devices/plugin/option-kinds.ts';
import type { HostInspection } from '../inspect/index.ts';
import { Nesting, nanoseconds } from './nesting.ts';
import type { TraceRecord } from './trace-record.ts';
import { compareProcesses, compareTracks } from './track-order.ts';

/**
 * Version of the trace file format: `otherData.formatVersion`. A file without one is of
 * version 1.
 */
export const TRACE_FORMAT_VERSION = 1;

/** One event of the format. Times are in microseconds. */
export interface ChromeEvent {
  readonly name: string;
  /** X: an event with a duration. i: an instant. M: metadata. */
  readonly ph: 'X' | 'i' | 'M';
  readonly pid: number;
  readonly tid: number;
  readonly ts?: number;
  readonly dur?: number;
  /** Scope of an instant: its thread. */
  readonly s?: 't';
  readonly args?: Readonly<Record<string, unknown>>;
}

/** A whole file. */
export interface ChromeTrace {
  readonly traceEvents: readonly ChromeEvent[];
  readonly displayTimeUnit: 'ns';
  readonly otherData: {
    readonly producer: string;
    /** TRACE_FORMAT_VERSION of its writer. */
    readonly formatVersion: number;
    readonly lost: number;
    /** The host's objects at the end: `vsmmu inspect`. */
    readonly host?: HostInspection;
  };
}

/** A track of a process, as numbered in the file. */
interface Track {
  readonly pid: number;
  readonly tid: number;
  readonly nesting: Nesting;
}

const metadata = (kind: 'process' | 'thread', pid: number, tid: number, name: string) => {
  const common = { ph: 'M', pid, tid } as const;
  return [
    { name: `${kind}_name`, ...common, args: { name } },
    // With the name, because readers of the format expect one in every such event.
    {
      name: `${kind}_sort_index`,
      ...common,
      args: { name, sort_index: kind === 'process' ? pid : tid },
    },
  ] satisfies ChromeEvent[];
};

/** Numbers processes and tracks in display order. */
function numbered(records: readonly TraceRecord[]) {
  const names = new Map<string, Set<string>>();
  for (const { process, track } of records) {
    const tracks = names.get(process) ?? new Set();
    names.set(process, tracks.add(track));
  }
  const tracks = new Map<string, Map<string, Track>>();
  const events: ChromeEvent[] = [];
  let tid = 0;
  for (const [index, process] of [...names.keys()].sort(compareProcesses).entries()) {
    const pid = index + 1;
    const own = new Map<string, Track>();
    tracks.set(process, own);
    events.push(...metadata('process', pid, 0, process));
    for (const track of [...(names.get(process) ?? [])].sort(compareTracks)) {
      tid++;
      own.set(track, { pid, tid, nesting: new Nesting() });
      events.push(...metadata('thread', pid, tid, track));
    }
  }
  const trackOf = ({ process, track }: TraceRecord): Track => {
    const found = tracks.get(process)?.get(track);
    if (!found) throw new RangeError(`no track ${track}`);
    return found;
  };
  return { events, trackOf };
}

const microseconds = (ns: number) => ns / 1000;

/** @throws {TypeError|RangeError} when it is not a record of a trace. */
function checkRecord(record: TraceRecord, i: number): void {
  const { process, track, name, at, ms } = (record ?? {}) as Partial<TraceRecord>;
  for (const [field, value] of Object.entries({ process, track, name }))
    anyText(value, 'chromeTrace', `records[${i}].${field}`);
  for (const [field, value] of Object.entries({ at, ...(ms === undefined ? {} : { ms }) }))
    if (typeof value !== 'number')
      throw new TypeError(`chromeTrace: records[${i}].${field} must be milliseconds, a number`);
}

/**
 * Makes a file of a trace. Times are whole nanoseconds, and the slices of a track nest
 * strictly: one that overlaps another is shortened or moved as far as necessary.
 * @param records in the order of their times, as returned by `Trace.read`.
 * @param lost number of missing records.
 * @param host result of `Host.inspect`.
 * @throws {TypeError|RangeError} when an argument is none of these.
 */
export function chromeTrace(
  records: readonly TraceRecord[],
  lost = 0,
  host?: HostInspection,
): ChromeTrace {
  checkList(records, 'chromeTrace: records');
  records.forEach(checkRecord);
  uint(lost, 'chromeTrace', 'lost');
  if (host !== undefined) having()(host, 'chromeTrace', 'host');
  const { events: names, trackOf } = numbered(records);
  const events = records.map((record): ChromeEvent => {
    const { name, at, ms, details: args } = record;
    const { pid, tid, nesting } = trackOf(record);
    const common = { name, pid, tid, args };
    if (ms === undefined) return { ...common, ts: microseconds(nanoseconds(at)), ph: 'i', s: 't' };
    const { start, end } = nesting.place(nanoseconds(at), nanoseconds(at + ms));
    return { ...common, ts: microseconds(start), ph: 'X', dur: microseconds(end - start) };
  });
  return {
    traceEvents: [...names, ...events],
    displayTimeUnit: 'ns',
    otherData: {
      producer: 'vsmmu',
      formatVersion: TRACE_FORMAT_VERSION,
      lost,
      ...(host && { host }),
    },
  };
}
