// SPDX-License-Identifier: MIT
// The page's main states under axe-core, in both themes and at the width of a phone.

import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import { expect, it } from 'vitest';
import { THOROUGH } from '../support/thorough.ts';
import { type DemoPage, LAPTOP, PHONE } from './demo-page.ts';
import { useDemo } from './use-demo.ts';

const { open } = useDemo();

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const BAD = ['serious', 'critical'];

interface Axe {
  run(context: unknown, options: unknown): Promise<AxeResults>;
}

/** Serious findings of axe-core, one line each. */
async function findings({ page }: DemoPage): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.addScriptTag({ path: AXE });
  const { violations } = await page.evaluate(() =>
    // The frame that Chromium cannot enter is not part of the page.
    (globalThis as unknown as { axe: Axe }).axe.run(document, {
      resultTypes: ['violations'],
      iframes: false,
    }),
  );
  return violations
    .filter(({ impact }) => BAD.includes(impact ?? ''))
    .flatMap(({ id, nodes }) =>
      nodes.map(
        ({ target, failureSummary }) =>
          `${id}: ${target.join(' ')}: ${failureSummary?.replace(/\s+/g, ' ')}`,
      ),
    );
}

/** How the page reaches each state from the previous one. */
const STATES: Readonly<Record<string, (demo: DemoPage) => Promise<unknown>>> = {
  async start(demo) {
    await demo.traced(3);
    if (!(await demo.page.isVisible('#run'))) await demo.page.click('#settings');
    await demo.page.click('#run');
    await demo.state('paused');
  },
  async editor({ page }) {
    await page.click('#edit-lines');
    await page.fill('#lines', 'jump');
  },
  async experiment({ page }) {
    await page.click('[data-experiment=forget-tlbi]');
    await page.waitForSelector('[data-findings="1"]');
  },
  async 'Look closer'(demo) {
    await demo.page.click('#look-closer');
    await demo.state('paused');
    await demo.page.click('#event-forward');
    await demo.page.waitForSelector('.event[data-event]');
  },
  async tour({ page }) {
    await page.click('[data-tour="3"]');
    await page.waitForSelector('#tour-step:enabled');
  },
};

/**
 * Thorough runs check each state in both themes on both browsers; others check half of
 * them on each.
 */
it.each([
  ['laptop', LAPTOP, ['dark', 'light'], ['start', 'editor', 'experiment']],
  ['phone', PHONE, ['light', 'dark'], ['start', 'Look closer', 'tour']],
] as const)('axe-core finds nothing serious on a %s', async (_, viewport, themes, quick) => {
  const [colorScheme] = themes;
  const demo = await open('?vms=1&speed=full', { viewport, colorScheme });
  for (const [i, [state, reach]] of Object.entries(STATES).entries()) {
    if (!THOROUGH && !(quick as readonly string[]).includes(state)) continue;
    await reach(demo);
    for (const theme of THOROUGH ? themes : themes.slice(i % 2, (i % 2) + 1)) {
      await demo.page.emulateMedia({ colorScheme: theme });
      await demo.drawn();
      expect(await findings(demo), `${state}, ${theme}`).toEqual([]);
    }
  }
});

it('axe-core finds what is wrong', async () => {
  const demo = await open('?vms=1&run=no&embed=1');
  await demo.state('paused');
  expect(await findings(demo), 'in a frame').toEqual([]);
  await demo.page.evaluate(() => {
    for (const button of document.querySelectorAll('#step')) button.textContent = '';
  });
  expect(await findings(demo)).toEqual([expect.stringMatching(/^button-name: #step/)]);
});
