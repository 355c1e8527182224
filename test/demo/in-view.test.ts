// SPDX-License-Identifier: MIT
// What is out of view is drawn once a second while machines run, never while the page is
// hidden, and always while the machines are paused.

import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { InView } from '../../demo/page/in-view.ts';
import type { Picture } from '../../demo/protocol.ts';

type Seen = { readonly target: Element; readonly isIntersecting: boolean };
let tell: (entries: readonly Seen[]) => void = () => undefined;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal(
    'IntersectionObserver',
    class {
      constructor(callback: (entries: readonly Seen[]) => void) {
        tell = callback;
      }
      readonly observe = vi.fn();
    },
  );
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const running = { state: 'running' } as Picture;
const paused = { state: 'paused' } as Picture;
const [near, far] = [{}, {}] as [Element, Element];

/** A view with one place in it, and one out of it. */
function view(entered: () => void = () => undefined): InView {
  const found = new InView(entered);
  // Not known yet: everything is drawn once.
  expect([near, far].map(found.seen(running, false))).toEqual([true, true]);
  tell([
    { target: near, isIntersecting: true },
    { target: far, isIntersecting: false },
  ]);
  return found;
}

/**
 * How often the place out of view is drawn, and the one in view, of this many drawings in
 * two seconds.
 */
function drawn(
  found: InView,
  drawings: number,
  idle: boolean,
): readonly [far: number, near: number] {
  let counts: readonly [number, number] = [0, 0];
  for (let i = 0; i < drawings; i++) {
    vi.advanceTimersByTime(2000 / drawings);
    const seen = found.seen(running, idle);
    counts = [counts[0] + Number(seen(far)), counts[1] + Number(seen(near))];
  }
  return counts;
}

it('what is out of view is drawn once a second while machines run', () => {
  expect(drawn(view(), 40, false)).toEqual([2, 40]);
});

it('and not at all while the page is hidden', () => {
  const found = view();
  expect(drawn(found, 4, true)).toEqual([0, 4]);
  expect(found.seen(running, false)(far)).toBe(true);
});

it('and always while they are paused', () => {
  const found = view();
  for (let i = 0; i < 3; i++) expect(found.seen(paused, false)(far)).toBe(true);
});

it('a part that scrolls into view is drawn at once', () => {
  const entered = vi.fn();
  const found = view(entered);
  expect(entered).not.toHaveBeenCalled();
  tell([{ target: far, isIntersecting: true }]);
  expect(entered).toHaveBeenCalledTimes(1);
  expect(found.seen(running, true)(far)).toBe(true);
});
