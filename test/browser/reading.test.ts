// SPDX-License-Identifier: MIT
// Explanations help with reading, and do not cover what is being read.

import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { LAPTOP, PHONE } from './demo-page.ts';
import { useDemo } from './use-demo.ts';

const { open, openOnce } = useDemo();

/** True when the visible explanation overlaps an element. */
const covered = (page: Page, selector: string) =>
  page.$eval(selector, (one) => {
    const tip = document.querySelector<HTMLElement>('#explain');
    if (!tip || tip.hidden) return false;
    const [a, b] = [one.getBoundingClientRect(), tip.getBoundingClientRect()];
    return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  });

describe('an explanation', () => {
  it('leaves text alone that the pointer rests on', async () => {
    const { page } = await openOnce('?vms=1&run=no');
    await page.hover('.lesson h2');
    expect(await page.isVisible('#explain')).toBe(true);
    await page.hover('.why', { position: { x: 4, y: 4 } });
    expect(await page.isHidden('#explain')).toBe(true);
    const tour = await open('?tour=2');
    await tour.page.waitForSelector('#tour-step:enabled');
    await tour.page.hover('.why b');
    expect(await tour.page.isHidden('#explain')).toBe(true);
  });

  it('goes with the button whose press removes it', async () => {
    const { page } = await open('?tour=6');
    await page.waitForSelector('#tour-step:enabled');
    await page.hover('#tour-step');
    expect(await page.isVisible('#explain')).toBe(true);
    // By its own key, with the pointer still on the button: after the last of its steps.
    await page.keyboard.press('s');
    await page.waitForFunction(() => document.querySelector('#steps')?.textContent === '7');
    expect(await page.isVisible('#explain')).toBe(true);
    await page.keyboard.press('s');
    await page.waitForSelector('[data-stop=after]');
    await page.waitForSelector('#explain', { state: 'hidden' });
  });

  it('does not cover the verdict on lines that are run', async () => {
    const { page } = await open('?experiment=stale-dma&vms=1');
    await page.click('#edit-lines');
    await page.click('#run-lines');
    await page.waitForSelector('[data-lines]');
    expect(await covered(page, '[data-lines]')).toBe(false);
    expect(await page.isHidden('#explain')).toBe(true);
    // Who moves the pointer asks again.
    await page.mouse.move(0, 0);
    await page.hover('#run-lines');
    expect(await page.isVisible('#explain')).toBe(true);
  });

  it('is there for the terms of an experiment, its outcome, and the two sentences', async () => {
    const { page } = await open('?experiment=stale-dma&vms=1');
    await page.waitForSelector('[data-outcome=holds]');
    for (const [place, term, text] of [
      ['.outcome', 'PTE', 'page table entry'],
      ['.outcome .good', 'F_TRANSLATION', 'no translation'],
      ['.outcome .good', 'CMD_SYNC', 'have taken effect'],
      ['.why', 'SMMU', 'IOMMU'],
      ['.why', 'VMM', 'QEMU'],
    ] as const) {
      await page.locator(`${place} dfn`, { hasText: term }).first().hover();
      expect(await page.textContent('#explain'), term).toContain(text);
    }
  });

  it('of an experiment can be read on a phone without starting it', async () => {
    const demo = await open('?vms=1&run=no', { viewport: PHONE });
    const { page } = demo;
    await page.click('.abouts summary');
    expect(await page.isVisible('.abouts dd >> text=The guest clears a PTE')).toBe(true);
    await demo.state('paused');
    expect(new URL(page.url()).search).toBe('?vms=1&run=no');
  });
});

it('shows the whole comparison of paths and Look closer above the fold', async () => {
  const { page } = await open('?experiment=compare-paths', { viewport: LAPTOP });
  await page.waitForSelector('[data-outcome=holds]');
  for (const place of ['.checks li:last-child', '#look-closer']) {
    const bottom = await page.$eval(place, (one) => one.getBoundingClientRect().bottom);
    expect(bottom, place).toBeLessThanOrEqual(LAPTOP.height);
  }
  expect(await page.$eval('#try', (one) => one.scrollHeight - one.clientHeight)).toBeLessThan(1);
});

it('opens documents beside the run', async () => {
  const { page } = await openOnce('?vms=1&run=no');
  await page.waitForSelector('.links a');
  const targets = await page.$$eval('.links a', (all) =>
    all.map((one) => [one.getAttribute('target'), one.getAttribute('rel')].join(' ')),
  );
  expect(new Set(targets)).toEqual(new Set(['_blank noopener']));
});

it('shows no rate while the machines are paused', async () => {
  const demo = await open('?vms=1');
  const { page } = demo;
  const legend = () => page.textContent('.chart .legend');
  await page.evaluate(() => document.querySelector('.charts')?.scrollIntoView());
  await expect.poll(legend, { timeout: 20_000 }).toMatch(/\d/);
  await page.keyboard.press('p');
  await demo.state('paused');
  expect(await legend()).toBe(' exits \u2013');
});

it('says so when its program does not arrive', async () => {
  const { page } = await openOnce('?vms=1&run=no');
  expect(await page.isHidden('.late')).toBe(true);
  // As without the program, and later.
  await page.evaluate(() => {
    delete document.body.dataset.drawn;
    for (const animation of document.querySelector('.late')?.getAnimations() ?? [])
      animation.finish();
  });
  expect(await page.isVisible('.late >> text=has not arrived')).toBe(true);
});
