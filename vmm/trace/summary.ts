// What stands in a trace file, in numbers.

import { type ChromeEvent, type ChromeTrace, TRACE_FORMAT_VERSION } from './chrome.ts';

/** One track: how often each name occurs on it, and for how long in all. */
export interface TrackSummary {
  readonly process: string;
  readonly track: string;
  readonly names: readonly { readonly name: string; readonly count: number; readonly ms: number }[];
}

export interface TraceSummary {
  /** From the first event to the end of the last. */
  readonly ms: number;
  readonly events: number;
  /** Records that are not in the file. */
  readonly lost: number;
  readonly tracks: readonly TrackSummary[];
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

/**
 * That it is a trace of ours, as far as `summarise` looks.
 * @throws {TypeError} one line that says what is wrong.
 */
export function checkTrace(value: unknown): ChromeTrace {
  if (!isObject(value) || !Array.isArray(value.traceEvents))
    throw new TypeError('it has no traceEvents');
  if (!isObject(value.otherData) || value.otherData.producer !== 'vsmmu')
    throw new TypeError('it was not written by vsmmu');
  const { formatVersion = 1 } = value.otherData;
  if (formatVersion !== TRACE_FORMAT_VERSION)
    throw new TypeError(
      `it is of version ${String(formatVersion)} of the trace format, this reads version ${TRACE_FORMAT_VERSION}`,
    );
  const fits = (event: unknown) =>
    isObject(event) &&
    typeof event.name === 'string' &&
    typeof event.ph === 'string' &&
    Number.isInteger(event.pid) &&
    Number.isInteger(event.tid);
  if (!value.traceEvents.every(fits))
    throw new TypeError('an event lacks its name, phase, process or thread');
  return value as unknown as ChromeTrace;
}

const nameOf = ({ args }: ChromeEvent) => String(args?.name ?? '');

export function summarise({ traceEvents, otherData }: ChromeTrace): TraceSummary {
  const events = traceEvents.filter(({ ph }) => ph !== 'M');
  const named = (name: string) =>
    traceEvents.filter((event) => event.ph === 'M' && event.name === name);
  const processes = new Map(named('process_name').map((event) => [event.pid, nameOf(event)]));
  const tracks = named('thread_name').map((event): TrackSummary => {
    const counts = new Map<string, { count: number; ms: number }>();
    for (const { pid, tid, name, dur = 0, args } of events) {
      if (pid !== event.pid || tid !== event.tid) continue;
      const sum = counts.get(name) ?? { count: 0, ms: 0 };
      // One event stands for all IOTLB hits between two walks.
      counts.set(name, { count: sum.count + (Number(args?.count) || 1), ms: sum.ms + dur / 1000 });
    }
    const names = [...counts]
      .map(([name, sum]) => ({ name, ...sum }))
      .sort((a, b) => b.count - a.count);
    return { process: processes.get(event.pid) ?? '', track: nameOf(event), names };
  });
  const first = events.reduce((least, { ts = 0 }) => Math.min(least, ts), Number.POSITIVE_INFINITY);
  const last = events.reduce((most, { ts = 0, dur = 0 }) => Math.max(most, ts + dur), first);
  return {
    ms: events.length === 0 ? 0 : (last - first) / 1000,
    events: events.length,
    lost: otherData.lost,
    tracks,
  };
}
