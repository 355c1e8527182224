// SPDX-License-Identifier: MIT
// Things to try, each by one click.

import { describe, expect, it } from 'vitest';
import { LOOK_PLACES } from '../../demo/page/look-places.ts';
import { EXPERIMENTS } from '../../vmm/boards/index.ts';
import { THOROUGH } from '../support/thorough.ts';
import { LAPTOP } from './demo-page.ts';
import { useDemo } from './use-demo.ts';

const { openOnce } = useDemo();

/** The command that an experiment leaves out, or has a vCPU's TLBI take the place of where it does not. */
const FORGOTTEN: Readonly<Record<string, string>> = {
  'stale-dma': 'TLBI_NH_VA',
  'forget-tlbi': 'TLBI_NH_VA',
  'forget-cfgi-cd': 'CFGI_CD',
  'forget-cfgi-ste': 'CFGI_STE',
  btm: 'TLBI_NH_VA',
  'btm-vmids': 'TLBI_NH_VA',
};

/** One of each kind; in thorough runs all of them. */
const TRIED = EXPERIMENTS.filter((experiment, i) => {
  const kindOf = ({ name, attacks, measures }: (typeof EXPERIMENTS)[number]) =>
    [attacks, measures, FORGOTTEN[name] !== undefined].join();
  return THOROUGH || EXPERIMENTS.findIndex((other) => kindOf(other) === kindOf(experiment)) === i;
});

describe('things to try', () => {
  it('of each kind are tried', () => {
    expect(TRIED.map(({ attacks, measures }) => `${attacks} ${measures}`)).toEqual(
      expect.arrayContaining(['false false', 'true false', 'false true']),
    );
    expect(TRIED.some(({ name }) => name in FORGOTTEN)).toBe(true);
  });

  it.each(TRIED.map((experiment) => [experiment.name, experiment] as const))(
    '%s, by one click',
    async (name, experiment) => {
      // One after the other on one page, as a visitor tries them.
      const demo = await openOnce('');
      const { page } = demo;
      await page.click(`[data-experiment=${name}]`);
      await page.waitForFunction((wanted) => location.search === wanted, `?experiment=${name}`);
      // What the page shows from now on is this one's.
      await demo.drawn();
      await page.waitForSelector('[data-outcome=holds]');
      const text = await page.textContent('.outcome');
      expect(text).toContain(experiment.shows);
      for (const check of experiment.checks) expect(text).toContain(check);
      if ('loses' in experiment) expect(text).toContain('takes them from a neighbour');
      else if (experiment.attacks)
        expect(text).toContain('isolation: IOTLB entries: vm1 lost nothing');
      if (experiment.measures) {
        const exits = (path: string) =>
          page.$$eval(`.outcome [data-exits=${path}]`, (all) =>
            all.map((one) => Number(one.textContent)),
          );
        expect(await exits('direct')).toEqual([0, 0, 0]);
        expect(await exits('overlay')).toEqual([0, 0, 0]);
        expect((await exits('trapped')).map((count) => count >= 2)).toEqual([true, true, true]);
        for (const path of ['direct', 'overlay'])
          expect(text).toContain(`host: 0 exits during ${path}-path batches`);
      }
      // The sanitizer names what is missing, and says nothing of guests that forget nothing.
      const missing = FORGOTTEN[name];
      const named = await page.$$eval('.findings li', (all) =>
        all.map((one) =>
          one.textContent
            ?.trim()
            .replace(/^(missing:|used before its) (\w+) .*(vm\d): stale.*$/s, '$1 $2 $3'),
        ),
      );
      // Where it comes in the end, late or from a vCPU, nothing is missing.
      const isForgotten = name.startsWith('forget-');
      const verdict = isForgotten ? 'missing:' : 'used before its';
      expect(named).toEqual(
        missing ? [`${verdict} ${missing} vm0`, `${verdict} ${missing} vm1`] : [],
      );
      const findings = await page.$$eval('.findings', (all) =>
        all.map((one) => one.getAttribute('data-findings')),
      );
      if (missing) expect(findings).toEqual([isForgotten ? '2' : '0']);
      // What it tells to look at is there, pointed out, and on the screen by a click.
      for (const [words, selector] of LOOK_PLACES[name]) {
        expect(await page.isVisible(`${selector}[data-look]`), words).toBe(true);
        await page.click(`.to-look:text-is("${words}")`);
        const top = await page.$eval(selector, (one) => one.getBoundingClientRect().top);
        expect(top > -1 && top < LAPTOP.height, words).toBe(true);
      }
      await demo.shot(`experiment-${name}`);
    },
  );
});
