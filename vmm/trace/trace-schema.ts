// SPDX-License-Identifier: MIT
// The schema that a trace file must satisfy to be read: it may be foreign.

import * as v from 'valibot';
import { type ChromeEvent, type ChromeTrace, TRACE_FORMAT_VERSION } from './chrome.ts';

/**
 * Maximum time, some 285 years in microseconds; sums of such times are precise enough.
 */
const MOST_TIME = 2 ** 53;

const time = v.pipe(v.number(), v.minValue(-MOST_TIME), v.maxValue(MOST_TIME));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const EVENT = v.looseObject({
  name: v.string(),
  ph: v.picklist(['X', 'i', 'M']),
  pid: v.pipe(v.number(), v.safeInteger()),
  tid: v.pipe(v.number(), v.safeInteger()),
  ts: v.optional(time),
  dur: v.optional(v.pipe(time, v.minValue(0))),
  args: v.optional(v.record(v.string(), v.unknown())),
});
/** The error in an event, by the invalid member. */
const FAULTS = new Map([
  ['ts', 'the time of an event is not valid'],
  ['dur', 'the time of an event is not valid'],
  ['args', 'the args of an event are not an object'],
]);
const TRACK_NAME = v.object({ name: v.string() });
const COUNTED = v.object({ count: v.optional(count) });
const OURS = v.looseObject({ producer: v.literal('vsmmu') });
const OTHER_DATA = v.looseObject({ lost: count });

/**
 * One event of a trace.
 * @throws {TypeError} with one line that describes the error.
 */
export function checkEvent(value: unknown): ChromeEvent {
  const found = v.safeParse(EVENT, value);
  if (!found.success) {
    const member = String(found.issues[0].path?.[0]?.key);
    throw new TypeError(FAULTS.get(member) ?? 'an event lacks its name, phase, process or thread');
  }
  const { ph, args = {} } = found.output;
  if (ph === 'M' && !v.is(TRACK_NAME, args)) throw new TypeError('a process or thread has no name');
  if (!v.is(COUNTED, args)) throw new TypeError('the count of an event is not valid');
  return value as ChromeEvent;
}

/**
 * The contents of a trace besides its events.
 * @throws {TypeError} with one line that describes the error.
 */
export function checkOtherData(value: unknown): ChromeTrace['otherData'] {
  if (!v.is(OURS, value)) throw new TypeError('it was not written by vsmmu');
  const { formatVersion = 1 } = value;
  if (formatVersion !== TRACE_FORMAT_VERSION)
    throw new TypeError(
      `it is of version ${JSON.stringify(formatVersion)} of the trace format, this reads ` +
        `version ${TRACE_FORMAT_VERSION}`,
    );
  if (!v.is(OTHER_DATA, value)) throw new TypeError('it does not say how many records were lost');
  return value as unknown as ChromeTrace['otherData'];
}
