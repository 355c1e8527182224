// SPDX-License-Identifier: MIT
// The page over a slow link: it shows that it is loading, and boots when everything has
// arrived.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Site, SlowLink, serve } from '../support/demo-site.ts';
import { useDemo } from './use-demo.ts';

/**
 * A host without compression: the worker's program takes longer than a guest may take to
 * boot (BOOT_MS of demo/page/vmm-worker.ts).
 */
const BYTES_PER_SECOND = 40_000;
const BOOT_MS = 10_000;

const { open } = useDemo();

let slow: Site;
beforeAll(async () => {
  slow = await serve(true, undefined, new SlowLink(BYTES_PER_SECOND));
});
afterAll(() => slow.close());

it('has a progress bar, and boots however long the program takes to load', async () => {
  const demo = await open('?vms=2&run=no', { url: slow.url });
  const { page } = demo;
  const toys: string[] = [];
  page.on('request', (request) => {
    if (/toy-.*\.wasm$/.test(request.url())) toys.push(request.url());
  });
  const bar = page.locator('.loading progress');
  expect(await bar.isVisible()).toBe(true);
  const value = () => page.evaluate(() => document.querySelector('progress')?.value ?? 1);
  const begun = await value();
  expect(begun).toBeGreaterThan(0);
  expect(begun).toBeLessThan(0.5);
  await page.waitForFunction(() => performance.getEntriesByName('worker-there').length > 0);
  await page.waitForFunction(
    (before) => (document.querySelector('progress')?.value ?? 1) > before,
    begun,
  );
  await demo.state('paused');
  expect(await bar.isVisible()).toBe(false);
  expect(await page.textContent('#note')).toBe('');
  // For all three machines.
  expect(toys.length).toBe(1);
  // By the page's own clock.
  const took = await page.evaluate(() => {
    const there = performance.getEntriesByName('worker-there')[0]?.startTime ?? 0;
    const loaded = performance.getEntriesByType('navigation')[0] as PerformanceNavigationTiming;
    return there - loaded.loadEventEnd;
  });
  expect(took).toBeGreaterThan(BOOT_MS);
  // And the guest runs.
  await page.click('#run');
  await demo.console(0, 'UART up');
});
