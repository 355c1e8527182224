// The page as one looks at it and works it: sizes, themes, keyboard, no long task.

import { describe, expect, it } from 'vitest';
import { LAPTOP, PHONE } from './demo-page.ts';
import { longTasks } from './task-times.ts';
import { useDemo } from './use-demo.ts';

/** Longer than anything of the page's, so that a share of a processor is enough to be noticed. */
const PLANTED_MS = 400;

const { open } = useDemo();

describe('the page', () => {
  it.each([
    ['laptop', 'dark', LAPTOP],
    ['laptop', 'light', LAPTOP],
    ['phone', 'dark', PHONE],
    ['phone', 'light', PHONE],
  ] as const)('fits a %s in %s, and does not jump', async (name, colorScheme, viewport) => {
    const demo = await open('', { viewport, colorScheme });
    const { page } = demo;
    await demo.traced(3);
    const shift = await page.evaluate(
      () =>
        new Promise<number>((resolve) => {
          let sum = 0;
          new PerformanceObserver((list) => {
            for (const entry of list.getEntries()) sum += (entry as PerformanceEntry & { readonly value: number }).value;
          }).observe({ type: 'layout-shift' });
          setTimeout(() => resolve(sum), 4000);
        }),
    );
    expect(shift).toBeLessThan(0.01);
    await demo.shot(`${name}-${colorScheme}`);
  });

  it.each(['', '?vms=4&speed=full'])('stays free: no task takes over 50 ms in ten seconds of running guests%s', async (query) => {
    const demo = await open(query);
    const { page } = demo;
    await demo.traced(3);
    const planted = () =>
      page.evaluate(
        (ms) =>
          new Promise<void>((done) => {
            setTimeout(() => {
              const end = performance.now() + ms;
              while (performance.now() < end);
              done();
            });
          }),
        PLANTED_MS,
      );
    const tasks = await longTasks(page, async () => {
      await page.waitForTimeout(10_000);
      await planted();
    });
    const long = tasks.filter(({ processorMs }) => processorMs > 50);
    // The one that was put there to be found, and no other.
    expect(long).toEqual([tasks.find(({ durationMs }) => durationMs >= PLANTED_MS)]);
  });
});
