// What a trace file has to be like to be read: it may come from a stranger.

import { type ChromeEvent, type ChromeTrace, TRACE_FORMAT_VERSION } from './chrome.ts';

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
 * One event of a trace.
 * @throws {TypeError} one line that says what is wrong.
 */
export function checkEvent(value: unknown): ChromeEvent {
  const fault = faultOf(value);
  if (fault !== undefined) throw new TypeError(fault);
  return value as ChromeEvent;
}

/**
 * What a trace says beside its events.
 * @throws {TypeError} one line that says what is wrong.
 */
export function checkOtherData(value: unknown): ChromeTrace['otherData'] {
  if (!isObject(value) || value.producer !== 'vsmmu')
    throw new TypeError('it was not written by vsmmu');
  const { formatVersion = 1, lost } = value;
  if (formatVersion !== TRACE_FORMAT_VERSION)
    throw new TypeError(
      `it is of version ${JSON.stringify(formatVersion)} of the trace format, this reads version ${TRACE_FORMAT_VERSION}`,
    );
  if (lost === undefined || !isCount(lost))
    throw new TypeError('it does not say how many records were lost');
  return value as unknown as ChromeTrace['otherData'];
}

/**
 * A whole trace.
 * @throws {TypeError} one line that says what is wrong.
 */
export function checkTrace(value: unknown): ChromeTrace {
  if (!isObject(value) || !Array.isArray(value.traceEvents))
    throw new TypeError('it has no traceEvents');
  checkOtherData(value.otherData);
  for (const event of value.traceEvents) checkEvent(event);
  return value as unknown as ChromeTrace;
}
