// SPDX-License-Identifier: MIT
// Links to an event: machines that are on their way say so, and the event is found without
// a step.

import { expect, it } from 'vitest';
import { useDemo } from './use-demo.ts';

const { open } = useDemo();

it('runs an experiment to the event of a link, and says so on its way', async () => {
  const demo = await open('?vms=1&run=no');
  const { page } = demo;
  await demo.state('paused');
  // Every state that the page shows on its way.
  await page.addInitScript(() => {
    const seen: string[] = [];
    Object.assign(globalThis, { seen });
    const note = () => {
      const event = document.querySelector<HTMLElement>('.event');
      const state = document.querySelector('#state')?.textContent ?? '';
      if (!event) return requestAnimationFrame(note);
      const { number, heading } = event.dataset;
      const what = number ?? (heading === undefined ? 'none' : `to ${heading}`);
      const line = `${state} ${what}`;
      if (seen.at(-1) !== line) seen.push(line);
      if (heading !== undefined) Object.assign(globalThis, { said: event.textContent });
      return requestAnimationFrame(note);
    };
    requestAnimationFrame(note);
  });
  await page.goto(new URL('?events=yes&experiment=stale-dma&vms=1&event=285', page.url()).href);
  await page.waitForSelector('.event[data-number="285"]');
  await demo.state('ended');
  expect(await page.textContent('#note')).not.toContain('ignored');
  const [seen, said] = await page.evaluate(() => {
    const all = globalThis as unknown as { seen: string[]; said: string };
    return [all.seen, all.said] as const;
  });
  expect(seen.filter((line) => /\d$/.test(line) && !line.endsWith('285'))).toEqual([]);
  expect(seen.filter((line) => line.endsWith('to 285')).at(-1)).toBe('running to 285');
  expect(said).toMatch(/^Running to event 285: \d+$/);
});
