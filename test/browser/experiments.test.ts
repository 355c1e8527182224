// Things to try, each by one click.

import { describe, expect, it } from 'vitest';
import { EXPERIMENTS } from '../../vmm/boards/experiments.ts';
import { useDemo } from './use-demo.ts';

const { open } = useDemo();

describe('things to try', () => {
  it.each(EXPERIMENTS.map((experiment) => [experiment.name, experiment] as const))('%s, by one click', async (name, experiment) => {
    const demo = await open('');
    const { page } = demo;
    await page.click(`[data-experiment=${name}]`);
    await page.waitForSelector('[data-outcome=holds]');
    const text = await page.textContent('.outcome');
    expect(text).toContain(experiment.shows);
    for (const check of experiment.checks) expect(text).toContain(check);
    if (experiment.attacks) expect(text).toContain('isolation: IOTLB entries: vm1 lost nothing');
    if (experiment.measures)
      expect(await page.$$eval('.outcome tr.direct td:last-child', (all) => all.map((one) => one.textContent))).toEqual([
        '0.0',
        '0.0',
        '0.0',
      ]);
    expect(new URL(page.url()).search).toBe(`?experiment=${name}`);
    await demo.shot(`experiment-${name}`);
  });
});
