// SPDX-License-Identifier: MIT
// Phones and frames: the drawing comes first, and nothing is cut off.

import { expect, it } from 'vitest';
import { PHONE } from './demo-page.ts';
import { useDemo } from './use-demo.ts';

const { open } = useDemo();

it.each([390, 320])('has all of the tour and the counts of queues at %i pixels', async (width) => {
  const demo = await open('?tour=6', { viewport: { width, height: 700 } });
  const { page } = demo;
  await page.waitForSelector('#tour-step:enabled');
  const right = await page.$$eval('.tour > *', (all) =>
    all.map((one) => one.getBoundingClientRect().right),
  );
  expect(right.length).toBeGreaterThan(7);
  expect(Math.max(...right)).toBeLessThan(width - 10);
  const cut = await page.$$eval('.counts', (all) =>
    all.map((one) => [one.scrollHeight - one.clientHeight, one.scrollWidth - one.clientWidth]),
  );
  expect(cut.length).toBeGreaterThan(0);
  for (const part of cut.flat()) expect(part).toBeLessThanOrEqual(1);
});

it('begins with the drawing on a phone, under one button', async () => {
  const demo = await open('?vms=1&run=no', { viewport: PHONE });
  const { page } = demo;
  await demo.state('paused');
  const top = await page.$eval('.drawing', (one) => one.getBoundingClientRect().top);
  expect(top).toBeLessThan(120);
  const above = await page.$$eval('button, a, select', (all) =>
    all
      .filter((one) => one.checkVisibility())
      .map((one) => ({ id: one.id, top: one.getBoundingClientRect().top })),
  );
  expect(above.filter((one) => one.top < top).map(({ id }) => id)).toEqual(['settings']);
  await page.click('#settings');
  for (const one of ['#run', '#restart', '.links a', '#copy-link'])
    expect(await page.isVisible(one), one).toBe(true);
});

it.each([
  ['', ['.drawing', '#look-closer', '.outcome .good']],
  ['&events=yes&step=9', ['.drawing', '#event-back', '#event-forward']],
])('shows drawing and steps in a frame as high as its lines say%s', async (more, places) => {
  const viewport = { width: 720, height: 620 };
  const { page } = await open(`?experiment=stale-dma&vms=1&embed=1${more}`, { viewport });
  await page.waitForSelector('[data-outcome=holds]');
  for (const place of places) {
    const bottom = await page.$eval(place, (one) => one.getBoundingClientRect().bottom);
    expect(bottom, place).toBeLessThanOrEqual(viewport.height);
  }
});

it('keeps Run and Step in a narrow frame', async () => {
  const viewport = { width: 400, height: 620 };
  const { page } = await open('?experiment=stale-dma&vms=1&run=no&embed=1', { viewport });
  expect(await page.isVisible('#step')).toBe(true);
});
