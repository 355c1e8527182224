// SPDX-License-Identifier: MIT

import { describe, expect, it } from 'vitest';
import { MAX_TIMERS, TimerQueue } from '../../../devices/bus/index.ts';

function queue() {
  const clock = { now: 0, nowNs: () => clock.now };
  const timers = new TimerQueue(clock);
  const called: string[] = [];
  const add = (name: string, callback: () => void = () => undefined) =>
    timers.add('device', name, () => {
      called.push(`${name} ${clock.now}`);
      callback();
    });
  const pollAt = (now: number) => {
    clock.now = now;
    called.length = 0;
    const count = timers.poll();
    expect(count).toBe(called.length);
    return [...called];
  };
  return { timers, add, pollAt, called };
}

describe('the timers of a machine', () => {
  it('call back once for each deadline, at it or after it', () => {
    const { add, pollAt } = queue();
    const timer = add('a');
    expect(pollAt(1000)).toEqual([]);
    timer.at(2000);
    expect(timer.deadline).toBe(2000);
    expect(pollAt(1999)).toEqual([]);
    expect(pollAt(2000)).toEqual(['a 2000']);
    expect(timer.deadline).toBeUndefined();
    expect(pollAt(3000)).toEqual([]);
    timer.at(1);
    expect(pollAt(3000)).toEqual(['a 3000']);
  });

  it('go by their deadlines, and of equal ones by the order in which they were made', () => {
    const { add, pollAt } = queue();
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => add(name));
    d?.at(5);
    b?.at(7);
    c?.at(3);
    a?.at(7);
    expect(pollAt(10)).toEqual(['c 10', 'd 10', 'a 10', 'b 10']);
  });

  it('forget a deadline that was cancelled or replaced', () => {
    const { add, pollAt } = queue();
    const [a, b] = [add('a'), add('b')];
    a.at(5);
    a.at(20);
    b.at(5);
    b.cancel();
    b.cancel();
    expect(pollAt(10)).toEqual([]);
    expect(pollAt(20)).toEqual(['a 20']);
  });

  it('report when the next one is due', () => {
    const { timers, add, pollAt } = queue();
    const [a, b, c] = [add('a'), add('b'), add('c')];
    expect(timers.nextDeadline).toBeUndefined();
    a.at(30);
    b.at(10);
    c.at(20);
    expect(timers.nextDeadline).toBe(10);
    b.at(40);
    expect(timers.nextDeadline).toBe(20);
    c.cancel();
    expect(timers.nextDeadline).toBe(30);
    pollAt(30);
    expect(timers.nextDeadline).toBe(40);
    expect(timers.pending).toEqual([{ label: 'device: b', deadline: 40 }]);
    timers.cancelAll();
    expect([timers.nextDeadline, timers.pending]).toEqual([undefined, []]);
    expect(pollAt(50)).toEqual([]);
  });

  it('a timer set by a callback waits for the next poll, and a cancelled one is not called', () => {
    const { timers, add, pollAt } = queue();
    const again = add('again', () => again.at(0));
    const other = add('other');
    const first = add('first', () => {
      other.at(0);
      late.cancel();
      moved.at(500);
      expect(timers.poll()).toBe(0);
    });
    const late = add('late');
    const moved = add('moved');
    first.at(1);
    again.at(2);
    late.at(3);
    moved.at(4);
    expect(pollAt(100)).toEqual(['first 100', 'again 100']);
    expect(pollAt(100)).toEqual(['again 100', 'other 100']);
    expect(moved.deadline).toBe(500);
  });

  it('name the device whose callback throws, and continue', () => {
    const { timers, add, pollAt } = queue();
    const bad = add('bad', () => {
      throw new TypeError('no such field');
    });
    const good = add('good');
    bad.at(1);
    good.at(2);
    expect(() => pollAt(5)).toThrow(
      expect.objectContaining({
        name: 'MachineError',
        component: 'device',
        message: 'device: no such field',
      }),
    );
    expect(timers.nextDeadline).toBe(2);
    expect(pollAt(5)).toEqual(['good 5']);
  });

  it('refuse a deadline that is not a time, and more timers than the limit', () => {
    const { timers, add } = queue();
    const timer = add('a');
    for (const deadline of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
      expect(() => timer.at(deadline)).toThrow(RangeError);
    for (let i = 1; i < MAX_TIMERS; i++) add(`${i}`);
    expect(() => timers.add('rtc', 'alarm', () => undefined)).toThrow(
      'rtc has no room for timer alarm: there are 1024',
    );
  });
});
