// SPDX-License-Identifier: MIT
// Trace files are read back in any split, with little memory; contents that no trace has
// are refused.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import {
  type ChromeEvent,
  chromeTrace,
  readChromeTrace,
  TraceCounts,
  type TraceRecord,
} from '../../../vmm/trace/index.ts';
import { summaryOf } from '../../support/summary-of.ts';
import { THOROUGH } from '../../support/thorough.ts';

const MIB = 2 ** 20;
const LONG = 'x'.repeat(MIB);
const bytes = (text: string) => new TextEncoder().encode(text);

/** A text in pieces of a length. */
function* pieces(text: string, length: number): Generator<Uint8Array> {
  const all = bytes(text);
  for (let i = 0; i < all.length; i += length) yield all.subarray(i, i + length);
}

async function read(text: string, length = 1000) {
  const traceEvents: ChromeEvent[] = [];
  const otherData = await readChromeTrace(pieces(text, length), (event) => traceEvents.push(event));
  return { traceEvents, otherData };
}

/** With details that our records do not have, for readers of the text. */
const records = [
  { process: 'vm0', track: 'vCPU 0', name: 'exit "mmio" \\ [{', at: 1, details: {} },
  {
    process: 'vm0',
    track: 'größe',
    name: 'drain',
    at: 2,
    ms: 0.5,
    details: { a: [1, { b: ']' }] },
  },
] as unknown as readonly TraceRecord[];
const trace = chromeTrace(records, 7);
const file = (value: object) => JSON.stringify({ ...trace, ...value });
const event = (value: object) => file({ traceEvents: [{ ...trace.traceEvents.at(-1), ...value }] });

describe('a trace file', () => {
  it.each([1, 2, 7, 64, 100_000])('is read in pieces of %i bytes', async (length) => {
    for (const text of [JSON.stringify(trace), JSON.stringify(trace, null, 2), `${file({})}\n`]) {
      const found = await read(text, length);
      expect(found.traceEvents).toEqual(JSON.parse(JSON.stringify(trace.traceEvents)));
      expect(found.otherData).toEqual(trace.otherData);
    }
  });

  it('may have no events, and may have other members before them', async () => {
    const { otherData } = trace;
    expect(await read(JSON.stringify({ otherData, traceEvents: [] }))).toEqual({
      traceEvents: [],
      otherData,
    });
  });

  it('has the same summary, read piece by piece', async () => {
    const counts = new TraceCounts();
    const { lost } = await readChromeTrace(pieces(file({}), 10), (one) => counts.add(one));
    expect(counts.summary(lost)).toEqual(summaryOf(trace));
  });

  it.each<[string, string]>([
    ['', 'it is truncated'],
    ['null', 'it is truncated'],
    ['[]', 'it is not one JSON object'],
    ['x{}', 'it is not JSON'],
    ['{}}', 'it is not JSON'],
    ['{]', 'it is not JSON'],
    ['{}', 'it has no traceEvents'],
    ['{"traceEvents":1}', 'it has no traceEvents'],
    [file({}).slice(0, -1), 'it is truncated'],
    [`${file({})}x`, 'continues after its end'],
    [`${file({})}{}`, 'it is not one JSON object'],
    ['{"traceEvents":[}}', 'it is not JSON'],
    ['{"traceEvents":[]}', 'it was not written by vsmmu'],
    [file({ otherData: { producer: 'else' } }), 'it was not written by vsmmu'],
    [
      file({ otherData: { producer: 'vsmmu', lost: {} } }),
      'it does not say how many records were lost',
    ],
    [
      file({ otherData: { producer: 'vsmmu', lost: -1 } }),
      'it does not say how many records were lost',
    ],
    [file({ otherData: { producer: 'vsmmu', formatVersion: 9 } }), 'it is of version 9'],
    [file({ traceEvents: [{}] }), 'an event lacks its name, phase, process or thread'],
    [file({ traceEvents: [null] }), 'an event lacks its name, phase, process or thread'],
    [event({ pid: 'x' }), 'an event lacks its name, phase, process or thread'],
    [event({ ph: 'B' }), 'an event lacks its name, phase, process or thread'],
    [event({ ts: '1' }), 'the time of an event is not valid'],
    [event({ dur: null }), 'the time of an event is not valid'],
    [event({ args: 5 }), 'the args of an event are not an object'],
    [event({ ph: 'M', args: { name: {} } }), 'a process or thread has no name'],
    ['{"traceEvents":[{"name":1e999,]}', 'JSON'],
  ])('of something else is refused: %s', async (text, message) => {
    for (const length of [1, 1000]) await expect(read(text, length)).rejects.toThrow(message);
  });

  it('has no value without an end, and not more names than a trace has', async () => {
    await expect(read(`{"traceEvents":["${'x'.repeat(2 * MIB)}"]}`, MIB)).rejects.toThrow(
      'one of its values is longer',
    );
    const counts = new TraceCounts();
    const add = () => {
      for (let i = 0; i < 200_000; i++) counts.add({ name: `n${i}`, ph: 'i', pid: 1, tid: 1 });
    };
    expect(add).toThrow('it has more than 100000 names');
  });

  it.each<[string, (i: number) => ChromeEvent]>([
    ['events', (i) => ({ name: `n${i}${LONG}`, ph: 'i', pid: 1, tid: 1 })],
    [
      'tracks',
      (i) => ({ name: 'thread_name', ph: 'M', pid: 1, tid: 1, args: { name: `${i}${LONG}` } }),
    ],
  ])('has no names of %s that fill the memory', (_, event) => {
    const counts = new TraceCounts();
    const add = () => {
      for (let i = 0; i < 100; i++) counts.add(event(i));
    };
    expect(add).toThrow(/^its names have more than 16777216 characters$/);
  });

  it('drops members that no trace has', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const used = () => {
      collect();
      return process.memoryUsage().heapUsed;
    };
    const value = `"${'x'.repeat(4 * MIB)}"`;
    let most = 0;
    function* large(): Generator<Uint8Array> {
      yield bytes('{');
      for (let i = 0; i < 8; i++) {
        yield bytes(`"m${i}":${value},`);
        most = Math.max(most, used());
      }
      yield bytes(`"__proto__":1,${file({}).slice(1)}`);
    }
    const before = used();
    expect(await readChromeTrace(large(), () => undefined)).toEqual(trace.otherData);
    expect(most - before).toBeLessThan(20 * MIB);
  }, 60_000);

  it('is read in bounded memory', async () => {
    const size = (THOROUGH ? 500 : 30) * MIB;
    const line = `${JSON.stringify({ ...trace.traceEvents.at(-1), ts: 5 })},\n`;
    const chunk = bytes(line.repeat(Math.ceil(MIB / line.length)));
    let most = 0;
    function* large(): Generator<Uint8Array> {
      yield bytes('{"traceEvents":[\n');
      for (let done = 0; done < size; done += chunk.length) {
        yield chunk;
        const { heapUsed, arrayBuffers } = process.memoryUsage();
        most = Math.max(most, heapUsed + arrayBuffers);
      }
      yield bytes(`${line.slice(0, -2)}\n],"otherData":${JSON.stringify(trace.otherData)}}`);
    }
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    const counts = new TraceCounts();
    await readChromeTrace(large(), (one) => counts.add(one));
    expect(counts.summary(0).events).toBeGreaterThan(size / line.length - 1);
    expect(most - heapUsed - arrayBuffers).toBeLessThan(128 * MIB);
  }, 600_000);
});
