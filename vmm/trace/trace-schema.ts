// What a trace file has to be like to be read: it may come from a stranger.

import * as v from 'valibot';
import { type ChromeEvent, type ChromeTrace, TRACE_FORMAT_VERSION } from './chrome.ts';

const time = v.optional(v.pipe(v.number(), v.finite()));
const EVENT = v.looseObject({
  name: v.string(),
  ph: v.picklist(['X', 'i', 'M']),
  pid: v.pipe(v.number(), v.safeInteger()),
  tid: v.pipe(v.number(), v.safeInteger()),
  ts: time,
  dur: time,
  args: v.optional(v.record(v.string(), v.unknown())),
});
const TRACK_NAME = v.object({ name: v.string() });
const OTHER_DATA = v.looseObject({
  producer: v.literal('vsmmu'),
  lost: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0)), 0),
});

/**
 * One event of a trace.
 * @throws {TypeError} one line that says what is wrong.
 */
export function checkEvent(value: unknown): ChromeEvent {
  if (!v.is(EVENT, value)) {
    const shape = v.is(v.looseObject(v.omit(EVENT, ['ts', 'dur', 'args']).entries), value);
    throw new TypeError(
      shape
        ? 'an event has a time that is no number, or arguments that are no object'
        : 'an event lacks its name, phase, process or thread',
    );
  }
  if (value.ph === 'M' && !v.is(TRACK_NAME, value.args))
    throw new TypeError('a process or thread has no name');
  return value as ChromeEvent;
}

/**
 * What a trace says beside its events.
 * @throws {TypeError} one line that says what is wrong.
 */
export function checkOtherData(value: unknown): ChromeTrace['otherData'] {
  const found = v.safeParse(OTHER_DATA, value);
  if (!found.success) {
    const ours = (value as { readonly producer?: unknown } | undefined)?.producer === 'vsmmu';
    throw new TypeError(
      ours ? 'the number of its lost records is none' : 'it was not written by vsmmu',
    );
  }
  const { formatVersion = 1 } = found.output as { readonly formatVersion?: unknown };
  if (formatVersion !== TRACE_FORMAT_VERSION)
    throw new TypeError(
      `it is of version ${String(formatVersion)} of the trace format, this reads version ${TRACE_FORMAT_VERSION}`,
    );
  return found.output as unknown as ChromeTrace['otherData'];
}
