// SPDX-License-Identifier: MIT
// The pause between two steps: depends on the speed, is longer while the page is hidden,
// and ends when it becomes visible.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MOST_IDLE_MS } from '../../demo/protocol.ts';
import { SessionPace } from '../../demo/vmm/session-pace.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Duration of the pause after a step of this duration. */
async function pauseBehind(pace: SessionPace, stepMs: number): Promise<number> {
  vi.advanceTimersByTime(stepMs);
  const begin = performance.now();
  const ended = pace.between(0).then(() => performance.now() - begin);
  await vi.advanceTimersByTimeAsync(2 * MOST_IDLE_MS);
  return await ended;
}

describe('machines that run by themselves', () => {
  it.each([
    ['slow', 400],
    ['paced', 25],
    ['full', 0],
  ] as const)('pause according to their speed: %s', async (speed, ms) => {
    expect(await pauseBehind(new SessionPace(speed), 100)).toBe(ms);
  });

  it.each([
    [1, 2000],
    [30, 3000],
    [500, MOST_IDLE_MS],
  ])('of steps of %i ms pause %i ms while nobody looks on', async (stepMs, ms) => {
    const pace = new SessionPace('full');
    const begin = pace.pause(0);
    await vi.advanceTimersByTimeAsync(0);
    await begin;
    pace.idle = true;
    expect(await pauseBehind(pace, stepMs)).toBe(ms);
  });

  it('continue at once when the page becomes visible', async () => {
    const pace = new SessionPace('full');
    pace.idle = true;
    let steps = 0;
    const run = async () => {
      for (; steps < 3; steps++) await pace.between(0);
    };
    const done = run();
    await vi.advanceTimersByTimeAsync(100);
    expect(steps).toBe(0);
    pace.idle = false;
    await vi.advanceTimersByTimeAsync(0);
    expect(steps).toBeGreaterThan(0);
    await vi.advanceTimersByTimeAsync(10);
    await done;
  });
});
