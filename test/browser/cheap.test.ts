// SPDX-License-Identifier: MIT
// Cheap to keep open: what a page does in a second when no one looks on, counted, because a share of a core depends on what
// else a computer does. docs/demo.md has the shares.

import type { Page, Worker } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { IDLE_MS } from '../../demo/page/idle.ts';
import type { DemoPage } from './demo-page.ts';
import { useDemo } from './use-demo.ts';

const { openOnce } = useDemo({ motion: true });

/** Callbacks that have been called, since the page loaded or the worker was first asked. */
interface Counts {
  timers: number;
  frames: number;
}
interface Counted {
  counts: Counts;
  /** No one waits a minute. */
  hurried: boolean;
}

/** Counts callbacks of timers and frames; a timer of `long` ms is a short one once the test is in a hurry. */
function countCallbacks(long: number): void {
  const scope = globalThis as unknown as Counted & Record<'setTimeout' | 'setInterval', unknown>;
  if (scope.counts) return;
  const counts: Counts = { timers: 0, frames: 0 };
  scope.counts = counts;
  for (const name of ['setTimeout', 'setInterval'] as const) {
    const plain = globalThis[name] as (callback: () => void, ms?: number) => number;
    scope[name] = (callback: (...all: unknown[]) => void, ms?: number, ...all: unknown[]) =>
      plain(
        () => {
          counts.timers++;
          callback(...all);
        },
        ms === long && scope.hurried ? 100 : ms,
      );
  }
  const ask = globalThis.requestAnimationFrame;
  if (ask)
    globalThis.requestAnimationFrame = (callback) =>
      ask((time) => {
        counts.frames++;
        callback(time);
      });
}

/** What page and worker do in a second, over some seconds by the page's clock. */
async function perSecond(page: Page, worker: Worker) {
  const look = async () => {
    const [now, own] = await page.evaluate(
      () => [performance.now(), { ...(globalThis as unknown as Counted).counts }] as const,
    );
    const { timers } = await worker.evaluate(() => (globalThis as unknown as Counted).counts);
    return { now, timers: own.timers, frames: own.frames, turns: timers };
  };
  const begin = await look();
  // Not by the page, whose frames are counted.
  await new Promise((later) => setTimeout(later, 4000));
  const end = await look();
  const seconds = (end.now - begin.now) / 1000;
  return {
    timers: (end.timers - begin.timers) / seconds,
    frames: (end.frames - begin.frames) / seconds,
    turns: (end.turns - begin.turns) / seconds,
  };
}

async function counted(demo: DemoPage): Promise<Worker> {
  const { page } = demo;
  await page.addInitScript(countCallbacks, IDLE_MS);
  await page.reload();
  await demo.traced(3);
  const [worker] = page.workers();
  if (!worker) throw new Error('the page has no worker');
  await worker.evaluate(countCallbacks, IDLE_MS);
  await page.evaluate(() => {
    (globalThis as unknown as Counted).hurried = true;
  });
  await page.mouse.move(100, 100);
  await page.waitForSelector('#note:has-text("No input for 60 s")');
  // What was on its way is drawn.
  await new Promise((later) => setTimeout(later, 1500));
  return worker;
}

describe('a hidden page', () => {
  it('makes at most four steps and draws at most four pictures per second, and moves nothing', async () => {
    const demo = await openOnce('?vms=2&speed=full');
    const { page } = demo;
    const worker = await counted(demo);
    // As soon as the worker has heard of it. The issue allows four steps: it is one every two seconds. Of a
    // picture: the page, the console, and what scrolls.
    const most = { turns: 1, frames: 6, timers: 8 };
    const tooMany = async () => {
      const found = await perSecond(page, worker);
      return Object.entries(most).flatMap(([name, limit]) => {
        const count = found[name as keyof typeof most];
        return count < limit ? [] : [`${count} ${name}`];
      });
    };
    await expect.poll(tooMany, { timeout: 60_000 }).toEqual([]);
    const dots = () => document.getAnimations().filter((one) => 'animationName' in one).length;
    expect(await page.evaluate(dots)).toBe(0);
    // It continues.
    const all = () => worker.evaluate(() => (globalThis as unknown as Counted).counts.timers);
    const before = await all();
    await expect.poll(all, { timeout: 20_000 }).toBeGreaterThan(before);
  });

  it('does nothing at all while it is hidden', async () => {
    const demo = await openOnce('?vms=2&speed=full');
    const { page } = demo;
    const [worker] = page.workers();
    if (!worker) throw new Error('the page has no worker');
    await page.evaluate(() => {
      Object.defineProperty(document, 'hidden', { value: true, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    });
    await demo.state('paused');
    await new Promise((later) => setTimeout(later, 1500));
    const { turns, frames, timers } = await perSecond(page, worker);
    expect([turns, frames]).toEqual([0, 0]);
    // The one that listens whether the machines are silent.
    expect(timers).toBeLessThan(1);
  });
});
