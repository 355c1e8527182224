// SPDX-License-Identifier: MIT
// The page with only the keyboard: every control can be reached and used, the focus is
// visible, and each control has a label.

import { describe, expect, it } from 'vitest';
import type { DemoPage } from './demo-page.ts';
import { useDemo } from './use-demo.ts';

const { open } = useDemo();

/** The focused element. */
interface Stop {
  /** Its name, or its place in the document when it has none. */
  readonly name: string;
  /** It has an outline, or a border with the same purpose. */
  readonly marked: boolean;
  /** Visible: neither outside the window nor covered by its own explanation. */
  readonly inSight: boolean;
  readonly explanation: string;
}

/**
 * Controls that a user can operate now; the file field is operated through the list of
 * guests.
 */
const CONTROLS = ':is(button, select, input:not([type=file])):enabled';

function stop({ page }: DemoPage): Promise<Stop | undefined> {
  return page.evaluate(() => {
    const at = document.activeElement;
    const line = document.querySelector('#explain');
    if (!at || at === document.body || !line) return undefined;
    const place = at.closest('section, form, header')?.getAttribute('aria-label') ?? 'header';
    const own =
      at.id ||
      at.getAttribute('name') ||
      at.getAttribute('data-experiment') ||
      at.getAttribute('data-queue') ||
      at.textContent;
    // The terminal's own field is as small as a cursor: its frame shows the focus.
    at.setAttribute('data-reached', '');
    const frame = at.closest('#terminals') ?? at;
    const style = getComputedStyle(frame);
    const box = frame.getBoundingClientRect();
    const tip = line.getBoundingClientRect();
    const apart = tip.top >= box.bottom || tip.bottom <= box.top || tip.left >= box.right;
    return {
      name: `${place}: ${own?.trim().split(/\s{2,}|\n/)[0]}`,
      marked: style.outlineStyle !== 'none' && Number.parseFloat(style.outlineWidth) >= 1,
      inSight:
        box.top >= 0 &&
        box.top < innerHeight &&
        box.top + Math.min(box.height, 24) <= innerHeight &&
        (apart || box.height > innerHeight / 3),
      explanation: line.textContent ?? '',
    };
  });
}

/** Every element that Tab reaches on the fully loaded page. */
async function tabThrough(demo: DemoPage): Promise<Stop[]> {
  const stops: Stop[] = [];
  while (stops.length < 200) {
    await demo.page.keyboard.press('Tab');
    const at = await stop(demo);
    if (!at) break;
    stops.push(at);
  }
  return stops;
}

describe('the keyboard', () => {
  it('reaches every control; each is marked, in sight and explained', async () => {
    const demo = await open('');
    const { page } = demo;
    await demo.traced(3);
    await page.keyboard.press('p');
    await demo.state('paused');
    const stops = await tabThrough(demo);
    const controls = await page.$$eval(CONTROLS, (all) =>
      all.filter((one) => one.checkVisibility()).map((one) => one.getAttribute('data-reached')),
    );
    expect(controls.length).toBeGreaterThan(18);
    expect(controls.filter((reached) => reached === null)).toEqual([]);
    expect(stops.filter(({ marked }) => !marked)).toEqual([]);
    expect(stops.filter(({ inSight }) => !inSight)).toEqual([]);
    expect(stops.filter(({ explanation }) => explanation === '')).toEqual([]);
    for (const name of [
      'Machine: run',
      'Machine: path',
      'Machine: guest',
      'Things to try: hyp-own',
      'vm1: vm1 VCMDQ 0',
      'header: theme',
    ]) {
      expect(stops.map((one) => one.name)).toContain(name);
    }
  });

  it('reaches everything that is explained in a panel with the arrow keys', async () => {
    const demo = await open('?vms=1');
    const { page } = demo;
    await demo.traced(3);
    await page.keyboard.press('p');
    await demo.state('paused');
    for (const panel of [
      '#lesson',
      '[data-vm=vm0]',
      '.tlb',
      '.exits',
      '.eventq',
      '#strip',
      '#try',
    ]) {
      // Pages of the IOTLB are a scrollable list: each entry has its full text.
      const wanted = await page.$$eval(`${panel} [data-explain]:not(.page)`, (all) =>
        all.map((one) => one.getAttribute('data-explain')),
      );
      await page.focus(`${panel} h2`);
      const said = [await page.textContent('#explain')];
      for (let i = 1; i < wanted.length; i++) {
        await page.keyboard.press('ArrowDown');
        said.push(await page.textContent('#explain'));
      }
      expect(said).toEqual(wanted);
      await page.keyboard.press('ArrowUp');
      expect(await page.textContent('#explain')).toBe(wanted.at(-2));
    }
    await page.focus('[data-queue="vm0 VCMDQ 0"]');
    expect(await page.textContent('#explain')).toMatch(
      /^VCMDQ 0: PROD and CONS lie in guest memory/,
    );
  });

  it('works every control', async () => {
    const demo = await open('?vms=2');
    const { page } = demo;
    await demo.traced(3);
    const press = async (selector: string, ...keys: readonly string[]) => {
      await page.focus(selector);
      for (const key of keys) await page.keyboard.press(key);
    };
    await press('#run', 'Enter');
    await demo.state('paused');
    const steps = Number(await page.textContent('#steps'));
    await press('#step', 'Space');
    await demo.steps(steps + 1);
    await page.keyboard.press('s');
    await demo.steps(steps + 2);
    await press('#reset', 'Enter');
    await demo.state('running');
    await page.keyboard.press('p');
    await demo.state('paused');
    // r asks for confirmation first.
    await page.keyboard.press('r');
    await page.waitForSelector('#confirm-reset');
    await page.keyboard.press('Enter');
    await demo.state('running');

    await press('#theme', 'Enter');
    expect(await page.getAttribute('html', 'data-theme')).toBe('light');
    await press('#console-tabs button:nth-of-type(2)', 'Enter');
    await page.waitForSelector('[data-console=vm1] .xterm-screen', { state: 'visible' });
    await page.context().grantPermissions(['clipboard-write']);
    await press('.tools button', 'Enter');
    await page.waitForSelector('.tools button:has-text("copied")');

    for (const [name, key, value] of [
      ['path', 'd', 'direct'],
      ['vcpus', '2', '2'],
      ['vms', '1', '1'],
      ['transport', 'i', 'inline'],
      ['drain', 'a', 'auto'],
      ['speed', 's', 'slow'],
    ] as const) {
      await press(`select[name=${name}]`, key);
      await expect
        .poll(() => new URL(page.url()).searchParams.get(name), { timeout: 20_000 })
        .toBe(value);
    }
    const chooser = page.waitForEvent('filechooser');
    await press('select[name=guest]', 'o');
    await (await chooser).setFiles([]);

    await press('[data-experiment=hyp-own]', 'Space');
    await page.waitForSelector('[data-outcome=holds]');
    await press('#terminals textarea', 'ArrowDown');
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('TEXTAREA');
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.tagName)).not.toBe('TEXTAREA');
  });
});
