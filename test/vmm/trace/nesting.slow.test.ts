// SPDX-License-Identifier: MIT
// Slices of a trace file nest strictly, in whole nanoseconds and as floating-point
// microseconds, for any records.

import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { Host } from 'vsmmu';
import { toyGuest } from 'vsmmu/guest';
import { type ChromeEvent, chromeTrace, type TraceRecord } from '../../../vmm/trace/index.ts';

interface Slice {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

/** The slices of each track, ordered by their starts, by process and track. */
function slices(events: readonly ChromeEvent[], end: (event: ChromeEvent) => number) {
  const tracks = new Map<string, Slice[]>();
  for (const event of events) {
    if (event.ph !== 'X') continue;
    const key = `${event.pid} ${event.tid}`;
    const slice = { name: event.name, from: event.ts ?? Number.NaN, to: end(event) };
    const track = tracks.get(key);
    if (track) track.push(slice);
    else tracks.set(key, [slice]);
  }
  return tracks;
}

const wholeEnd = ({ ts = Number.NaN, dur = Number.NaN }: ChromeEvent) =>
  (Math.round(ts * 1000) + Math.round(dur * 1000)) / 1000;
const sumEnd = ({ ts = Number.NaN, dur = Number.NaN }: ChromeEvent) => ts + dur;

/**
 * Pairs of slices of which one begins within the other and does not end in it, or is
 * empty, and the parents of all.
 */
function crossings(track: readonly Slice[]) {
  const crossed: [Slice, Slice][] = [];
  const parents: (string | undefined)[] = [];
  const open: Slice[] = [];
  for (const slice of track) {
    while (open.length > 0 && (open.at(-1)?.to ?? 0) < slice.from) open.pop();
    const parent = open.at(-1);
    if (slice.to <= slice.from) crossed.push([slice, slice]);
    if (parent && slice.to >= parent.to) crossed.push([parent, slice]);
    parents.push(parent?.name);
    open.push(slice);
  }
  return { crossed, parents };
}

function expectNested(events: readonly ChromeEvent[]): void {
  for (const end of [wholeEnd, sumEnd]) {
    for (const track of slices(events, end).values()) {
      expect(track.filter(({ from }, i) => from < (track[i - 1]?.from ?? from))).toEqual([]);
      expect(crossings(track).crossed).toEqual([]);
    }
  }
  const whole = (us: number) => us === Math.round(us * 1000) / 1000;
  expect(events.filter(({ ts = 0, dur = 0 }) => !whole(ts) || !whole(dur))).toEqual([]);
}

const record = (at: number, ms: number, name = 'x'): TraceRecord => ({
  ...{ process: 'vm0', track: 'CMDQ', name, at, ms, details: {} },
});

describe('slices of a trace file', () => {
  it('nest, regardless of the times of the records', () => {
    const times = fc.array(
      fc.tuple(
        fc.double({ min: 0, max: 1e-3, noNaN: true }),
        fc.double({ min: 0, max: 1e-4, noNaN: true }),
      ),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(times, fc.constantFrom(0, 1234.5, 9e7), (all, base) => {
        const records = all.map(([at, ms]) => record(base + at, ms)).sort((a, b) => a.at - b.at);
        expectNested(chromeTrace(records).traceEvents);
      }),
    );
  });

  it('stay as they are where they nest already', () => {
    const records = [record(1, 1), record(1, 0.25), record(1.5, 0.25), record(3, 1)];
    const { traceEvents } = chromeTrace(records);
    const found = traceEvents.flatMap(({ ph, ts, dur }) => (ph === 'X' ? [[ts, dur]] : []));
    expect(found).toEqual([
      [1000, 1000],
      [1000, 250],
      [1500, 250],
      [3000, 1000],
    ]);
  });

  it('end before the one that they begin in, and begin after the one before', () => {
    const records = [record(1, 1), record(1, 0.5), record(1.5, 0.5), record(1.75, 9), record(2, 1)];
    const found = chromeTrace(records).traceEvents.flatMap(({ ph, ts = 0, dur = 0 }) =>
      ph === 'X' ? [[Math.round(ts * 1000), Math.round((ts + dur) * 1000)]] : [],
    );
    expect(found).toEqual([
      [1_000_000, 2_000_000],
      [1_000_000, 1_500_000],
      [1_500_001, 1_999_999],
      [1_750_000, 1_999_998],
      [2_000_001, 3_000_000],
    ]);
  });

  it('have names of no time', () => {
    for (const at of [Number.NaN, Number.POSITIVE_INFINITY, -1e308])
      expect(chromeTrace([record(at, 1), record(at, at)]).traceEvents).toHaveLength(6);
  });
});

describe.each([
  ['inline', 'doorbell'],
  ['mailbox', 'thread'],
] as const)('the trace of a run, %s and %s', (transport, drain) => {
  let events: readonly ChromeEvent[] = [];
  beforeAll(async () => {
    // The gap of a run that is longer than its trace is between two runs of commands.
    const host = await Host.create({ trace: true, traceLimit: 5001 });
    const machine = await host.createMachine({
      guest: toyGuest,
      ...{ transport, drain, args: ['path=direct', 'vms=1', 'rounds=1', 'warmup=0'] },
    });
    await machine.boot();
    expect(await machine.wait()).toMatchObject({ status: 'off' });
    const { records, lost } = host.trace?.read() ?? { records: [], lost: 0 };
    expect(lost).toBeGreaterThan(0);
    events = chromeTrace(records, lost).traceEvents;
    await host.destroy();
  }, 120_000);

  it('nests', () => {
    expect(events.length).toBeGreaterThan(1000);
    expectNested(events);
  });

  it('has every command directly in its run, and nothing else in anything', () => {
    let commands = 0;
    const astray: unknown[] = [];
    for (const track of slices(events, wholeEnd).values()) {
      const { parents } = crossings(track);
      for (const [i, { name }] of track.entries()) {
        const isCommand = /^[A-Z]/.test(name);
        if (isCommand) commands++;
        if (parents[i] !== (isCommand ? 'drain' : undefined)) astray.push([name, parents[i]]);
      }
    }
    expect(astray).toEqual([]);
    expect(commands).toBeGreaterThan(1000);
  });

  it('shows machines before the host, and the vCPU first', () => {
    const named = events.filter(({ name }) => name.endsWith('_sort_index'));
    const order = (kind: string) =>
      named
        .filter(({ name }) => name.startsWith(kind))
        .sort((a, b) => Number(a.args?.sort_index) - Number(b.args?.sort_index))
        .map(({ args }) => args?.name);
    expect(order('process')).toEqual(['vm0', 'host']);
    expect(order('thread').slice(0, 2)).toEqual(['vCPU 0', 'CMDQ']);
  });
});
