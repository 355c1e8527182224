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

/** Times beyond this, some 285 years in microseconds, are none; sums of them are exact enough. */
const MOST_TIME = 2 ** 53;

const isTime = (value: unknown) =>
  value === undefined || (typeof value === 'number' && Math.abs(value) <= MOST_TIME);
const isLength = (value: unknown) => isTime(value) && !((value as number) < 0);
const isCount = (value: unknown) =>
  value === undefined || (Number.isSafeInteger(value) && (value as number) >= 0);

/** What is wrong with an event; undefined when nothing is. */
function faultOf(event: unknown): string | undefined {
  if (
    !isObject(event) ||
    typeof event.name !== 'string' ||
    typeof event.ph !== 'string' ||
    !Number.isSafeInteger(event.pid) ||
    !Number.isSafeInteger(event.tid)
  )
    return 'an event lacks its name, phase, process or thread';
  const { ph, ts, dur, args = {} } = event;
  if (!isTime(ts) || !isLength(dur)) return 'the time of an event is none';
  if (!isObject(args)) return 'the args of an event are no object';
  if (ph === 'M' && typeof args.name !== 'string') return 'a process or thread has no name';
  if (!isCount(args.count)) return 'the count of an event is none';
  return undefined;
}

/**
 * That it is a trace of ours, as far as `summarise` looks.
 * @throws {TypeError} one line that says what is wrong.
 */
export function checkTrace(value: unknown): ChromeTrace {
  if (!isObject(value) || !Array.isArray(value.traceEvents))
    throw new TypeError('it has no traceEvents');
  if (!isObject(value.otherData) || value.otherData.producer !== 'vsmmu')
    throw new TypeError('it was not written by vsmmu');
  const { formatVersion = 1, lost } = value.otherData;
  if (formatVersion !== TRACE_FORMAT_VERSION)
    throw new TypeError(
      `it is of version ${JSON.stringify(formatVersion)} of the trace format, this reads version ${TRACE_FORMAT_VERSION}`,
    );
  if (lost === undefined || !isCount(lost))
    throw new TypeError('it does not say how many records were lost');
  for (const event of value.traceEvents) {
    const fault = faultOf(event);
    if (fault !== undefined) throw new TypeError(fault);
  }
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
