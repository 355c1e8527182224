// SPDX-License-Identifier: MIT
// The storage of frames, and the recorder's own bounds.

import { describe, expect, it } from 'vitest';
import type { Frame, Picture } from '../../demo/protocol.ts';
import { FrameStore } from '../../demo/vmm/events/frame-store.ts';
import { Recorder } from '../../demo/vmm/events/recorder.ts';
import { shareParts } from '../../demo/vmm/events/share-parts.ts';

const pictureOf = (steps: number): Picture => ({
  at: 0,
  steps,
  state: 'paused',
  vms: [],
  tlb: [{ vm: 'vm0', asid: '1', count: 1, cells: [0, 1, 0] }],
  pages: [],
  traces: [],
  checks: [],
  rows: [],
  suspects: [],
  changes: [],
});
const frameOf = (steps: number): Omit<Frame, 'number'> => ({
  kind: 'exit',
  vm: 'vm0',
  text: 'x'.repeat(100),
  mark: {},
  picture: pictureOf(steps),
});

describe('sharing', () => {
  it('keeps what is equal, and replaces what is not', () => {
    const cost = { bytes: 0 };
    const before = { a: [1, { b: 'x' }], c: { d: 1 }, e: undefined };
    expect(shareParts(before, structuredClone(before), cost)).toBe(before);
    expect(cost.bytes).toBe(0);
    const now = { a: [1, { b: 'x' }], c: { d: 2 }, e: undefined };
    const shared = shareParts(before, now, cost);
    expect(shared).toEqual(now);
    expect(shared.a).toBe(before.a);
    expect(shared.c).not.toBe(before.c);
    expect(cost.bytes).toBeGreaterThan(0);
  });

  it.each<[unknown, unknown]>([
    [[1, 2], [1]],
    [[1], [1, 2]],
    [{ a: 1 }, { a: 1, b: 2 }],
    [{ a: 1, b: 2 }, { a: 1 }],
    [{ a: undefined }, { b: undefined }],
    [[], {}],
    [{}, []],
    [null, {}],
    [{}, null],
    [{ 0: 1 }, [1]],
    [undefined, { a: [] }],
  ])('makes of %j what comes then: %j', (before, now) => {
    const shared = shareParts(before, now, { bytes: 0 });
    expect(shared).toEqual(now);
    expect(Array.isArray(shared)).toBe(Array.isArray(now));
    expect(Object.keys(Object(shared))).toEqual(Object.keys(Object(now)));
  });
});

describe('the store of frames', () => {
  it('keeps the last n', () => {
    const store = new FrameStore({ frames: 10, bytes: 2 ** 30 });
    expect([store.first, store.last, store.get(0)]).toEqual([0, -1, undefined]);
    for (let i = 0; i < 25; i++) store.add(frameOf(i));
    expect([store.first, store.last]).toEqual([15, 24]);
    expect(store.get(14)).toBeUndefined();
    for (let i = 15; i < 25; i++)
      expect(store.get(i)).toMatchObject({ number: i, picture: { steps: i } });
    expect(store.get(24)?.picture.tlb).toBe(store.get(15)?.picture.tlb);
  });

  it('has as many as its bytes allow, and the last one in any case', () => {
    const store = new FrameStore({ frames: 1000, bytes: 3000 });
    for (let i = 0; i < 100; i++) store.add(frameOf(i));
    expect(store.bytes).toBeLessThanOrEqual(3000);
    expect(store.last - store.first).toBeGreaterThan(3);
    expect(store.last - store.first).toBeLessThan(30);
    const tiny = new FrameStore({ frames: 1000, bytes: 1 });
    for (let i = 0; i < 3; i++) tiny.add(frameOf(i));
    expect([tiny.first, tiny.last, tiny.get(2)?.picture.steps]).toEqual([2, 2, 2]);
  });
});

describe('the recorder', () => {
  const event = (text: string) => ({ kind: 'exit', vm: 'vm0', text, mark: {} }) as const;

  it('ends when it fails itself, and reports this', () => {
    let fails = false;
    const picture = () => {
      if (fails) throw new Error('no picture');
      return pictureOf(0);
    };
    const recorder = new Recorder(picture);
    recorder.tell(event('one'));
    fails = true;
    recorder.tell(event('two'));
    fails = false;
    recorder.tell(event('three'));
    expect(recorder.active).toBe(false);
    expect(recorder.looking).toBe(false);
    expect(recorder.recorded).toEqual({
      first: 0,
      last: 0,
      stopped: 'Recording has stopped: no picture',
    });
  });

  it('records a limited number of events of one step, and reports that there were more', () => {
    const recorder = new Recorder(() => pictureOf(0));
    recorder.beginStep();
    for (let i = 0; i < 10_000; i++) recorder.tell(event(`event ${i}`));
    expect(recorder.active).toBe(false);
    recorder.endStep();
    const { last } = recorder.recorded;
    expect(last).toBe(1024);
    expect(recorder.frame(last)?.text).toContain('the rest of it was not recorded');
    recorder.beginStep();
    recorder.tell(event('next'));
    expect(recorder.frame(last + 1)?.text).toBe('next');
  });

  it('reports a series as one', () => {
    const recorder = new Recorder(() => pictureOf(0));
    const say = (count: number) => `${count} exits`;
    for (let i = 0; i < 3; i++) recorder.series('uart', event(''), say);
    recorder.tell(event('between'));
    recorder.series('uart', event(''), say);
    expect([0, 1, 2, 3].map((number) => recorder.frame(number)?.text)).toEqual([
      '3 exits',
      'between',
      '1 exits',
      undefined,
    ]);
  });
});
