// SPDX-License-Identifier: MIT
// The keyboard's place when a press removes its control, and presses that come too fast.

import { describe, expect, it } from 'vitest';
import type { DemoPage } from './demo-page.ts';
import { useDemo } from './use-demo.ts';

const { open } = useDemo();

const focused = ({ page }: DemoPage, selector: string) =>
  page.waitForFunction((wanted) => document.activeElement?.matches(wanted), selector);

describe('the focus', () => {
  it('follows the tour to its end, with no explanation over its text', async () => {
    const demo = await open('?tour=5');
    const { page } = demo;
    await page.waitForSelector('#tour-step:enabled');
    await page.focus('#tour-step');
    await page.keyboard.press('Enter');
    await focused(demo, '#tour-next');
    expect(await page.isHidden('#explain')).toBe(true);
    await page.keyboard.press('Enter');
    await page.waitForSelector('[data-tour="6"][aria-current=step]');
    await focused(demo, '#tour-step:enabled');
    await page.keyboard.press('Enter');
    await page.waitForSelector('[data-stop=after]');
    await focused(demo, '#leave-tour');
    expect(await page.isHidden('#explain')).toBe(true);
    await page.keyboard.press('Enter');
    await focused(demo, '[data-tour="1"]');
  });

  it('goes to the events that Look closer brings, and back', async () => {
    const demo = await open('?vms=1&run=no');
    const { page } = demo;
    await demo.state('paused');
    await page.focus('#look-closer');
    await page.keyboard.press('Enter');
    await focused(demo, '#event-forward');
    await page.focus('#look-away');
    await page.keyboard.press('Enter');
    await focused(demo, '#look-closer');
  });

  it('is not taken from elsewhere', async () => {
    const demo = await open('?tour=5');
    const { page } = demo;
    await page.waitForSelector('#tour-step:enabled');
    await page.focus('#tour-step');
    await page.focus('#theme');
    await page.click('#step');
    await page.waitForSelector('[data-stop=after]');
    await demo.drawn();
    await focused(demo, '#step');
  });
});

it('takes one step at a double click, and does not leave the stop', async () => {
  const demo = await open('?tour=1');
  const { page } = demo;
  await page.waitForSelector('#tour-step:enabled');
  await page.dblclick('#tour-step');
  await page.waitForSelector('[data-stop=after]');
  await page.evaluate(() => new Promise((done) => setTimeout(done, 300)));
  await demo.drawn();
  expect(await page.textContent('#steps')).toBe('7');
  expect(new URL(page.url()).search).toBe('?tour=1');
});

it('names each stop of the tour', async () => {
  const { page } = await open('?vms=1&run=no');
  await page.getByRole('link', { name: 'The trapped TLBI' }).waitFor();
  expect(await page.getByRole('link', { name: /^\d/ }).count()).toBe(0);
});
